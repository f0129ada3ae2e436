-- $1 queues or null   $2 worker   $3 names left alone
-- The first row without an id tells when the next suspect is due.
WITH picked AS MATERIALIZED (
    SELECT j.id
    FROM soniq_jobs AS j
    WHERE j.status = 'queued'
        AND j.crashes > 0
        AND j.scheduled_at <= now()
        AND ($1::text[] IS NULL OR j.queue = ANY ($1::text[]))
        AND j.job_name <> ALL ($3::text[])
        AND EXISTS (SELECT FROM soniq_workers WHERE id = $2::uuid AND status <> 'stopped')
    ORDER BY j.priority, j.scheduled_at, j.id
    LIMIT 1
    FOR UPDATE SKIP LOCKED
),
claimed AS (
    UPDATE soniq_jobs AS j
    SET status = 'processing',
        worker_id = $2::uuid,
        claim = j.claim + 1,
        attempts = j.attempts + 1,
        started_at = now(),
        updated_at = now()
    WHERE j.id = ANY (ARRAY(SELECT id FROM picked))
    RETURNING
        j.id::text, j.job_name, j.args, j.queue, j.priority, j.attempts, j.max_attempts,
        j.crashes, j.claim, j.scheduled_at, j.created_at, j.dedup_key, j.producer_id, j.trace
)
SELECT * FROM claimed
UNION ALL
SELECT
    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
    (
        SELECT min(j.scheduled_at)
        FROM soniq_jobs AS j
        WHERE j.status = 'queued'
            AND j.crashes > 0
            AND ($1::text[] IS NULL OR j.queue = ANY ($1::text[]))
            AND j.job_name <> ALL ($3::text[])
            AND j.id <> ALL (ARRAY(SELECT id FROM picked))
    ),
    now(), NULL, NULL, NULL
