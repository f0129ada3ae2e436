-- $1 id   $2 next due time   $3 when that fires, both null for no change   $4 runs   $5 last job
UPDATE soniq_schedules
SET next_run = coalesce($2, next_run),
    fires_at = coalesce($3, fires_at),
    last_run = CASE WHEN $4::int > 0 THEN clock_timestamp() ELSE last_run END,
    run_count = run_count + $4::int,
    last_job_id = coalesce($5::text::uuid, last_job_id)
WHERE id = $1::text::uuid
