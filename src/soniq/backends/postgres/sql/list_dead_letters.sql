-- $1 queue or null   $2 limit   $3 offset
SELECT
    id::text, job_name, args, 'dead_letter' AS status, queue, priority, attempts, max_attempts,
    crashes, dedup_key, NULL AS scheduled_at, original_created_at AS created_at,
    NULL AS started_at, NULL AS finished_at, moved_to_dead_letter_at AS updated_at, last_error,
    NULL AS result, NULL AS worker_id, NULL AS producer_id, dead_letter_reason
FROM soniq_dead_letter_jobs
WHERE $1::text IS NULL OR queue = $1
ORDER BY original_created_at DESC, soniq_dead_letter_jobs.id DESC
LIMIT $2 OFFSET $3
