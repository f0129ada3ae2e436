UPDATE soniq_schedules
SET next_run = coalesce(:next_run, next_run),
    fires_at = coalesce(:fires_at, fires_at),
    last_run = CASE WHEN :runs > 0 THEN :now ELSE last_run END,
    run_count = run_count + :runs,
    last_job_id = coalesce(:last_job_id, last_job_id)
WHERE id = :id
