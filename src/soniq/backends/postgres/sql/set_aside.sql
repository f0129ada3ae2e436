-- $1 worker
-- Rows edited by hand so that no claim can take them (a number at the end of its range) or be told
-- of them (a time that Python has no date for).
WITH unreadable AS MATERIALIZED (
    SELECT id
    FROM soniq_jobs
    WHERE (status = 'queued' OR (status = 'processing' AND worker_id = $1::uuid))
        AND (
            greatest(attempts, claim) = 2147483647
            OR created_at NOT BETWEEN '0001-01-01 00:00+00' AND '9999-12-31 23:59:59.999999+00'
            OR scheduled_at NOT BETWEEN '0001-01-01 00:00+00' AND '9999-12-31 23:59:59.999999+00'
        )
    LIMIT 1000
),
locked AS MATERIALIZED (
    SELECT id
    FROM soniq_jobs
    WHERE id = ANY (ARRAY(SELECT id FROM unreadable))
    ORDER BY id
    FOR UPDATE SKIP LOCKED
)
UPDATE soniq_jobs AS j
SET status = 'cancelled',
    finished_at = now(),
    updated_at = now(),
    created_at = now(),
    scheduled_at = now(),
    attempts = least(attempts, 2147483646),
    claim = least(claim, 2147483646),
    last_error = format(
        'Cancelled, for its row could not be read: attempts %s, claim %s, scheduled_at %s,'
        || ' created_at %s',
        attempts, claim, scheduled_at, created_at
    )
WHERE j.id = ANY (ARRAY(SELECT id FROM locked)) AND status IN ('queued', 'processing')
RETURNING j.id::text
