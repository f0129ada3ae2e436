SELECT
    id, job_name, args, status, queue, priority, attempts, max_attempts, crashes, dedup_key,
    scheduled_at, created_at, started_at, finished_at, updated_at, last_error, result, worker_id,
    producer_id, NULL AS dead_letter_reason
FROM soniq_jobs
WHERE id IN (SELECT value FROM json_each(:ids))
