-- $1 crashes that are too many   $2 limit
-- Orphans are looked for between the ids of live workers, never among their own rows: there lie
-- the dead index entries of all they have finished since the oldest open transaction began.
WITH fence AS MATERIALIZED (
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
),
orphan AS MATERIALIZED (
    SELECT held.id, held.worker_id
    FROM gap
    CROSS JOIN LATERAL (
        SELECT id, worker_id
        FROM soniq_jobs
        WHERE status = 'processing' AND worker_id > gap.low AND worker_id < gap.high
        LIMIT $2
    ) AS held
    UNION ALL
    SELECT id, NULL FROM soniq_jobs WHERE status = 'processing' AND worker_id IS NULL
    LIMIT $2
),
locked AS MATERIALIZED (
    SELECT id, status, worker_id, crashes
    FROM soniq_jobs
    WHERE id = ANY (ARRAY(SELECT id FROM orphan))
    ORDER BY id
    FOR UPDATE SKIP LOCKED
),
fallen AS MATERIALIZED (
    SELECT
        locked.id,
        locked.crashes + CASE WHEN coalesce(worker.crashed, true) THEN 1 ELSE 0 END AS crashes,
        coalesce(worker.crashed, true) AND locked.crashes + 1 >= $1::int AS over
    FROM locked
    LEFT JOIN soniq_workers AS worker ON worker.id = locked.worker_id
    WHERE locked.status = 'processing' AND coalesce(worker.status = 'stopped', true)
        -- Recovered by another meanwhile and claimed again, it may be held by a worker that joined
        -- after this statement began and that it therefore cannot see.
        AND (
            locked.worker_id IS NULL
            OR (locked.id, locked.worker_id) IN (SELECT id, worker_id FROM orphan)
        )
),
requeued AS (
    UPDATE soniq_jobs AS j
    SET status = 'queued',
        attempts = j.attempts - 1,
        crashes = fallen.crashes,
        worker_id = NULL,
        updated_at = now()
    FROM fallen
    WHERE j.id = fallen.id AND NOT fallen.over
    RETURNING j.id, j.queue, j.priority, j.scheduled_at, j.crashes > 0 AS suspect
),
buried AS (
    DELETE FROM soniq_jobs AS j
    USING fallen
    WHERE j.id = fallen.id AND fallen.over
    RETURNING
        j.id, j.job_name, j.args, j.queue, j.priority, j.max_attempts, j.attempts - 1,
        fallen.crashes, j.dedup_key,
        format('The worker running this job died, %s times.', fallen.crashes),
        'worker_crashed', j.created_at
),
moved AS (
    INSERT INTO soniq_dead_letter_jobs (
        id, job_name, args, queue, priority, max_attempts, attempts, crashes, dedup_key,
        last_error, dead_letter_reason, original_created_at, moved_to_dead_letter_at
    )
    SELECT buried.*, now() FROM buried
    ON CONFLICT (id) DO NOTHING
)
SELECT id::text, queue, priority, scheduled_at, suspect, now() AS now, false AS dead FROM requeued
UNION ALL
SELECT id::text, NULL, NULL, NULL, NULL, now(), true FROM buried
