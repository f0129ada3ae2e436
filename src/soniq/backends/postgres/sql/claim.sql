-- $1..$5 lanes: queue, priority, floor (due, id), share   $6 limit   $7 worker   $8 names left alone
-- Rows with an id are claimed jobs. Rows without one tell of a lane: its next due time, and now.
WITH lanes AS MATERIALIZED (
    SELECT *
    FROM unnest($1::text[], $2::int[], $3::timestamptz[], $4::uuid[], $5::int[])
        AS lane (queue, priority, floor_due, floor_id, share)
),
picked AS MATERIALIZED (
    SELECT job.id
    FROM lanes AS lane
    CROSS JOIN LATERAL (
        SELECT j.id
        FROM soniq_jobs AS j
        WHERE j.queue = lane.queue
            AND j.priority = lane.priority
            AND (j.scheduled_at, j.id) >= (lane.floor_due, lane.floor_id)
            AND j.scheduled_at <= now()
            AND j.status = 'queued'
            AND j.crashes = 0
            AND j.job_name <> ALL ($8::text[])
        ORDER BY j.scheduled_at, j.id
        LIMIT lane.share
        FOR UPDATE SKIP LOCKED
    ) AS job
    WHERE EXISTS (SELECT FROM soniq_workers WHERE id = $7::uuid AND status <> 'stopped')
    LIMIT $6::int
),
claimed AS (
    UPDATE soniq_jobs AS j
    SET status = 'processing',
        worker_id = $7::uuid,
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
    NULL, NULL, NULL, lane.queue, lane.priority, NULL, NULL, NULL, NULL,
    (
        SELECT j.scheduled_at
        FROM soniq_jobs AS j
        WHERE j.queue = lane.queue
            AND j.priority = lane.priority
            AND j.scheduled_at > now()
            AND j.status = 'queued'
            AND j.crashes = 0
            AND j.job_name <> ALL ($8::text[])
        ORDER BY j.scheduled_at, j.id
        LIMIT 1
    ),
    now(), NULL, NULL, NULL
FROM lanes AS lane
WHERE cardinality($1::text[]) > 1 OR (SELECT count(*) FROM picked) < $6::int
