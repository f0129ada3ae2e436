-- $1 id
SELECT
    -- include job_columns
FROM soniq_jobs
WHERE id = $1::uuid
UNION ALL
SELECT
    -- include job_columns_of_letters
FROM soniq_dead_letter_jobs
WHERE id = $1::uuid
