-- $1 id
SELECT
    id::text, job_name, args, status, queue, priority, attempts, max_attempts, crashes, dedup_key,
    scheduled_at, created_at, started_at, finished_at, updated_at, last_error, result,
    worker_id::text, producer_id, NULL AS dead_letter_reason
FROM soniq_jobs
WHERE id = $1::uuid
UNION ALL
SELECT
    id::text, job_name, args, 'dead_letter', queue, priority, attempts, max_attempts, crashes,
    dedup_key, NULL, original_created_at, NULL, NULL, moved_to_dead_letter_at, last_error, NULL,
    NULL, NULL, dead_letter_reason
FROM soniq_dead_letter_jobs
WHERE id = $1::uuid
