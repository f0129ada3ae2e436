-- $1 id   $2 name   $3 version   $4..$19 the fields that edits write
INSERT INTO soniq_schedules (
    id, name, version, job_name, schedule_type, schedule_value, timezone, catch_up, overlap, jitter,
    priority, queue, max_attempts, job_kwargs, dedup_key, declared, status, next_run, fires_at
)
VALUES (
    $1::text::uuid, $2, $3, $4, $5, $6, $7, $8, $9, $10,
    $11, $12, $13, $14::text::jsonb, $15, $16, $17, $18, $19
)
ON CONFLICT (name) DO NOTHING
RETURNING 1
