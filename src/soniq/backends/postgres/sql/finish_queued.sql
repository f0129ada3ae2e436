-- $1 ids   $2 claim numbers   $3 delays   $4 error texts, null for releases   $5 attempts given
-- back   $6 worker
WITH ending AS MATERIALIZED (
    SELECT *
    FROM unnest($1::uuid[], $2::int[], $3::float8[], $4::text[], $5::int[])
        AS e (id, claim, delay, error, refund)
),
locked AS MATERIALIZED (
    SELECT j.id, j.claim, j.status, j.worker_id
    FROM soniq_jobs AS j
    WHERE j.id = ANY ($1::uuid[])
    ORDER BY j.id
    FOR UPDATE
)
UPDATE soniq_jobs AS j
SET status = 'queued',
    attempts = j.attempts - own.refund,
    scheduled_at = CASE
        WHEN own.error IS NOT NULL THEN now() + own.delay * interval '1 second'
        WHEN own.delay > 0 THEN greatest(j.scheduled_at, now() + own.delay * interval '1 second')
        ELSE j.scheduled_at
    END,
    -- Who has run it knows its name: should it be unknown again, that time starts anew.
    unknown_since = CASE WHEN own.error IS NULL THEN j.unknown_since END,
    last_error = coalesce(own.error, j.last_error),
    updated_at = now()
FROM (
    SELECT e.id, e.delay, e.error, e.refund
    FROM locked AS l
    JOIN ending AS e ON e.id = l.id AND e.claim = l.claim
    WHERE l.status = 'processing' AND l.worker_id = $6::uuid
) AS own
WHERE j.id = own.id AND j.id = ANY ($1::uuid[])
RETURNING j.id::text, j.queue, j.priority, j.scheduled_at, j.crashes > 0 AS suspect, now() AS now
