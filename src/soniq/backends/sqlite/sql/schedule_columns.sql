    id, name, job_name, schedule_type, schedule_value, timezone, catch_up, overlap, jitter, priority,
    queue, max_attempts, job_kwargs, dedup_key, declared, status, version, created_at, next_run,
    fires_at, last_run, run_count, last_job_id
