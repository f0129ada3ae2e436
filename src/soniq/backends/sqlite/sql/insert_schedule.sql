INSERT INTO soniq_schedules (
    id, name, job_name, schedule_type, schedule_value, timezone, catch_up, overlap, jitter,
    priority, queue, max_attempts, job_kwargs, dedup_key, declared, status, version, created_at,
    updated_at, next_run, fires_at
)
VALUES (
    :id, :name, :job_name, :schedule_type, :schedule_value, :timezone, :catch_up, :overlap, :jitter,
    :priority, :queue, :max_attempts, :args, :dedup_key, :declared, :status, :version, :now,
    :now, :next_run, :fires_at
)
ON CONFLICT (name) DO NOTHING
