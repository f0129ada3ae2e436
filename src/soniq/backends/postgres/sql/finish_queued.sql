-- $1 ids   $2 claim numbers   $3 delays   $4 error texts, null for releases   $5 attempts given
-- back   $6 worker: jobs to run again; fenced like `finish_done`
WITH locked AS MATERIALIZED (
    SELECT FROM soniq_jobs WHERE id = ANY ($1::uuid[]) ORDER BY id FOR UPDATE
)
UPDATE soniq_jobs AS j
SET status = 'queued',
    attempts = j.attempts - ending.refund,
    scheduled_at = CASE
        WHEN ending.error IS NOT NULL THEN now() + ending.delay * interval '1 second'
        WHEN ending.delay > 0
            THEN greatest(j.scheduled_at, now() + ending.delay * interval '1 second')
        ELSE j.scheduled_at
    END,
    -- Who has run it knows its name: should it be unknown again, that time starts anew.
    unknown_since = CASE WHEN ending.error IS NULL THEN j.unknown_since END,
    last_error = coalesce(ending.error, j.last_error),
    updated_at = now()
FROM unnest($1::uuid[], $2::int[], $3::float8[], $4::text[], $5::int[])
    AS ending (id, claim, delay, error, refund)
WHERE (SELECT count(*) FROM locked) > 0
    AND j.id = ANY ($1::uuid[])
    AND j.id = ending.id
    AND j.claim = ending.claim
    AND CASE WHEN j.status = 'processing' THEN j.worker_id = $6::uuid ELSE false END
RETURNING j.id::text, j.queue, j.priority, j.scheduled_at, j.crashes > 0 AS suspect, now() AS now
