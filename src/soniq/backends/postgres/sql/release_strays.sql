-- $1 worker   $2 ids it knows of
WITH stray AS MATERIALIZED (
    SELECT id
    FROM soniq_jobs
    WHERE status = 'processing' AND worker_id = $1::uuid AND id <> ALL ($2::uuid[])
),
locked AS MATERIALIZED (
    SELECT id, status, worker_id
    FROM soniq_jobs
    WHERE id = ANY (ARRAY(SELECT id FROM stray))
    ORDER BY id
    FOR UPDATE
)
UPDATE soniq_jobs AS j
SET status = 'queued', attempts = j.attempts - 1, updated_at = now()
WHERE j.id = ANY (ARRAY(
    SELECT id FROM locked WHERE status = 'processing' AND worker_id = $1::uuid
))
RETURNING j.id::text, j.queue, j.priority, j.scheduled_at, j.crashes > 0 AS suspect, now() AS now
