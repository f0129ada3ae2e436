-- $1 worker   $2 ids it knows of; one row at least, with how many strays could not be released
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
    -- Nothing is claimed until this has ended.
    FOR UPDATE SKIP LOCKED
),
released AS (
    UPDATE soniq_jobs AS j
    SET status = 'queued', attempts = j.attempts - 1, updated_at = now()
    WHERE j.id = ANY (ARRAY(
        SELECT id FROM locked WHERE status = 'processing' AND worker_id = $1::uuid
    ))
    RETURNING j.id::text, j.queue, j.priority, j.scheduled_at, j.crashes > 0 AS suspect
)
SELECT released.*, now() AS now, looked.skipped
FROM (
    SELECT (SELECT count(*) FROM stray) - (SELECT count(*) FROM locked) AS skipped
) AS looked
LEFT JOIN released ON true
