INSERT INTO soniq_jobs (
    id, job_name, status, queue, priority, max_attempts, dedup_key,
    scheduled_at, created_at, updated_at, producer_id, trace, args
)
VALUES (?, ?, 'queued', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING
