SELECT json_group_array(json_array(
    id, job_name, args, queue, priority, attempts, max_attempts, crashes, claim, scheduled_at, created_at,
    dedup_key, producer_id, trace
))
FROM soniq_jobs
WHERE rowid IN (SELECT value FROM json_each(:rows))
