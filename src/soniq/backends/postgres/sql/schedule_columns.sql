    id::text, name, job_name, schedule_type, schedule_value, timezone, catch_up, overlap, jitter,
    priority, queue, max_attempts, job_kwargs::text AS args, status,
    in_reach(created_at) AS created_at, in_reach(last_run) AS last_run,
    in_reach(next_run) AS next_run, run_count, last_job_id::text, dedup_key, declared, version,
    in_reach(fires_at) AS fires_at
