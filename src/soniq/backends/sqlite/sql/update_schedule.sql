UPDATE soniq_schedules
SET job_name = :job_name, schedule_type = :schedule_type, schedule_value = :schedule_value,
    timezone = :timezone, catch_up = :catch_up, overlap = :overlap, jitter = :jitter,
    priority = :priority, queue = :queue, max_attempts = :max_attempts, job_kwargs = :args,
    dedup_key = :dedup_key, declared = :declared, status = :status, next_run = :next_run,
    fires_at = :fires_at, updated_at = :now, version = version + 1
WHERE id = :id AND version = :version AND next_run = :seen_next_run
