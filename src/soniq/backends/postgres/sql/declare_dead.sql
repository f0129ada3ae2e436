-- $1 judge   $2 heartbeat timeout   $3 process ids of the judge's host that are known to have ended
-- $4 whether silence counts from the heartbeats alone
-- The last row tells how many workers live, and whether anything is processing under none of them:
-- mostly there is nothing, and to see that takes this one statement. Where to look for it is told
-- in `recover`.
-- A judge whose own heartbeat is late knows nothing about the others.
WITH judge AS MATERIALIZED (
    SELECT id, hostname, steady_since
    FROM soniq_workers
    WHERE id = $1::uuid
        AND status <> 'stopped'
        AND now() - last_heartbeat
            <= (heartbeat_interval + least(2, heartbeat_interval)) * interval '1 second'
),
locks AS MATERIALIZED (
    SELECT (classid::bigint << 32) | objid::bigint AS key
    FROM pg_locks
    WHERE locktype = 'advisory'
        AND objsubid = 1
        AND granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
),
others AS MATERIALIZED (
    SELECT
        worker.id, worker.last_heartbeat, worker.liveness, worker.heartbeat_interval,
        now() - CASE
            WHEN $4::boolean THEN worker.last_heartbeat
            ELSE greatest(worker.last_heartbeat, judge.steady_since)
        END AS silence,
        worker.hostname = judge.hostname AND worker.pid = ANY ($3::int[]) AS gone,
        ('x' || right(replace(worker.id::text, '-', ''), 16))::bit(64)::bigint IN (
            SELECT key FROM locks
        ) AS locked
    FROM soniq_workers AS worker
    CROSS JOIN judge
    WHERE worker.status <> 'stopped' AND worker.id <> judge.id
),
dead AS MATERIALIZED (
    SELECT id, last_heartbeat
    FROM others
    WHERE silence > $2::float8 * interval '1 second'
        OR (
            NOT locked
            AND (
                gone
                OR (
                    liveness = 'lock'
                    AND silence
                        > (heartbeat_interval + least(2, heartbeat_interval)) * interval '1 second'
                )
            )
        )
),
found AS MATERIALIZED (
    SELECT worker.id, worker.status, worker.last_heartbeat
    FROM soniq_workers AS worker
    WHERE worker.id = ANY (ARRAY(SELECT id FROM dead))
    ORDER BY worker.id
    FOR UPDATE SKIP LOCKED
),
declared AS (
    UPDATE soniq_workers AS worker
    SET status = 'stopped', stopped_at = now(), crashed = found.status = 'active'
    FROM found
    JOIN dead ON dead.id = found.id
    WHERE worker.id = found.id
        AND found.status <> 'stopped'
        -- A heartbeat that came while this statement looked proves it wrong.
        AND found.last_heartbeat = dead.last_heartbeat
    RETURNING worker.id::text, worker.hostname, worker.pid, found.status = 'stopping' AS stopping
),
fence AS MATERIALIZED (
    SELECT id FROM soniq_workers WHERE status <> 'stopped'
    UNION ALL
    SELECT '00000000-0000-0000-0000-000000000000'
),
gap AS MATERIALIZED (
    SELECT
        id AS low,
        coalesce(
            lead(id) OVER (ORDER BY id), 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid
        ) AS high
    FROM fence
)
SELECT id, hostname, pid, stopping, NULL::bigint AS live, NULL::boolean AS orphans FROM declared
UNION ALL
SELECT
    NULL, NULL, NULL, NULL,
    (SELECT count(*) - 1 FROM fence),
    EXISTS (
        SELECT
        FROM gap
        CROSS JOIN LATERAL (
            SELECT
            FROM soniq_jobs
            WHERE status = 'processing' AND worker_id > gap.low AND worker_id < gap.high
            LIMIT 1
        ) AS held
    )
    OR EXISTS (SELECT FROM soniq_jobs WHERE status = 'processing' AND worker_id IS NULL)
