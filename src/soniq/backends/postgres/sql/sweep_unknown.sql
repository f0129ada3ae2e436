-- $1 names   $2 grace in seconds   $3 queues or null   $4 queue, $5 priority, $6 due and $7 id
-- after which to look   $8 rows to look at
-- The first row tells where this look ended, with nulls when it was the end of all lanes.
WITH looked AS MATERIALIZED (
    SELECT id, job_name, queue, priority, scheduled_at, unknown_since
    FROM soniq_jobs
    WHERE status = 'queued'
        AND crashes = 0
        AND (queue, priority, scheduled_at, id)
            > ($4::text, $5::int, $6::timestamptz, $7::uuid)
    ORDER BY queue, priority, scheduled_at, id
    LIMIT $8
),
suspect AS MATERIALIZED (
    SELECT id, job_name, queue, priority, scheduled_at, unknown_since
    FROM soniq_jobs
    WHERE status = 'queued' AND crashes > 0
    ORDER BY priority, scheduled_at, id
    LIMIT $8
),
due AS MATERIALIZED (
    SELECT
        job.id, job.unknown_since,
        EXISTS (
            SELECT
            FROM soniq_workers AS worker
            WHERE worker.status <> 'stopped'
                AND job.job_name = ANY (worker.job_names)
                AND (worker.queues IS NULL OR job.queue = ANY (worker.queues))
        ) AS known
    FROM (SELECT * FROM looked UNION ALL SELECT * FROM suspect) AS job
    WHERE job.job_name = ANY ($1::text[])
        AND job.scheduled_at <= now()
        AND ($3::text[] IS NULL OR job.queue = ANY ($3::text[]))
),
changing AS MATERIALIZED (
    SELECT id, known
    FROM due
    WHERE (known AND unknown_since IS NOT NULL)
        OR (
            NOT known
            AND (
                unknown_since IS NULL
                OR unknown_since <= now() - $2::float8 * interval '1 second'
            )
        )
    LIMIT 1000
),
locked AS MATERIALIZED (
    SELECT id, status, unknown_since
    FROM soniq_jobs
    WHERE id = ANY (ARRAY(SELECT id FROM changing))
    ORDER BY id
    FOR UPDATE SKIP LOCKED
),
judged AS MATERIALIZED (
    SELECT
        locked.id, changing.known,
        NOT changing.known
            AND coalesce(locked.unknown_since, now()) <= now() - $2::float8 * interval '1 second'
            AS over
    FROM locked
    JOIN changing ON changing.id = locked.id
    WHERE locked.status = 'queued'
),
stamped AS (
    UPDATE soniq_jobs AS j
    SET unknown_since = CASE WHEN judged.known THEN NULL ELSE now() END, updated_at = now()
    FROM judged
    WHERE j.id = judged.id AND NOT judged.over
),
buried AS (
    DELETE FROM soniq_jobs AS j
    USING judged
    WHERE j.id = judged.id AND judged.over
    RETURNING
        j.id, j.job_name, j.args, j.queue, j.priority, j.max_attempts, j.attempts, j.crashes,
        j.dedup_key, format('Job %s not registered.', j.job_name), 'job_not_found', j.created_at
),
moved AS (
    INSERT INTO soniq_dead_letter_jobs (
        id, job_name, args, queue, priority, max_attempts, attempts, crashes, dedup_key,
        last_error, dead_letter_reason, original_created_at, moved_to_dead_letter_at
    )
    SELECT buried.*, now() FROM buried
    ON CONFLICT (id) DO NOTHING
)
(
    SELECT NULL AS dead, ending.queue, ending.priority, ending.scheduled_at, ending.id::text
    FROM (SELECT 1) AS one
    LEFT JOIN (
        SELECT * FROM looked ORDER BY queue, priority, scheduled_at, id OFFSET $8 - 1
    ) AS ending ON true
)
UNION ALL
SELECT id::text, NULL, NULL, NULL, NULL FROM buried
