-- $1 queue or null   $2 limit   $3 offset
SELECT
    -- include job_columns_of_letters
FROM soniq_dead_letter_jobs
WHERE $1::text IS NULL OR queue = $1
ORDER BY original_created_at DESC, soniq_dead_letter_jobs.id DESC
LIMIT $2 OFFSET $3
