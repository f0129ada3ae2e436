-- $1 ids   $2 claim numbers   $3 reasons   $4 error texts   $5 worker
WITH ending AS MATERIALIZED (
    SELECT *
    FROM unnest($1::uuid[], $2::int[], $3::text[], $4::text[]) AS e (id, claim, reason, error)
),
locked AS MATERIALIZED (
    SELECT j.id, j.claim, j.status, j.worker_id
    FROM soniq_jobs AS j
    WHERE j.id = ANY ($1::uuid[])
    ORDER BY j.id
    FOR UPDATE
),
gone AS (
    DELETE FROM soniq_jobs AS j
    USING (
        SELECT e.id, e.reason, e.error
        FROM locked AS l
        JOIN ending AS e ON e.id = l.id AND e.claim = l.claim
        WHERE l.status = 'processing' AND l.worker_id = $5::uuid
    ) AS own
    WHERE j.id = own.id AND j.id = ANY ($1::uuid[])
    RETURNING
        j.id, j.job_name, j.args, j.queue, j.priority, j.max_attempts, j.attempts, j.crashes,
        j.dedup_key, own.error, own.reason, j.created_at
),
moved AS (
    INSERT INTO soniq_dead_letter_jobs (
        id, job_name, args, queue, priority, max_attempts, attempts, crashes, dedup_key,
        last_error, dead_letter_reason, original_created_at, moved_to_dead_letter_at
    )
    SELECT gone.*, now() FROM gone
    ON CONFLICT (id) DO NOTHING
)
SELECT id::text FROM gone
