    id::text, name, job_name, schedule_type, schedule_value, timezone, catch_up, overlap, jitter,
    priority, queue, max_attempts, job_kwargs::text AS args, status, created_at, last_run, next_run,
    run_count, last_job_id::text, dedup_key, declared, version, fires_at
