-- $1 id   $2 version   $3 due time, all as seen   $4..$19 the fields that edits write
UPDATE soniq_schedules
SET job_name = $4, schedule_type = $5, schedule_value = $6, timezone = $7, catch_up = $8,
    overlap = $9, jitter = $10, priority = $11, queue = $12, max_attempts = $13,
    job_kwargs = $14::text::jsonb, dedup_key = $15, declared = $16, status = $17, next_run = $18,
    fires_at = $19, updated_at = clock_timestamp(), version = version + 1
WHERE id = $1::text::uuid AND version = $2 AND next_run = $3
RETURNING 1
