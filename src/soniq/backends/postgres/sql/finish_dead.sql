-- $1 ids   $2 claim numbers   $3 reasons   $4 error texts   $5 worker: jobs to give up; fenced
-- like `finish_done`
WITH locked AS MATERIALIZED (
    SELECT FROM soniq_jobs WHERE id = ANY ($1::uuid[]) ORDER BY id FOR UPDATE
),
gone AS (
    DELETE FROM soniq_jobs AS j
    USING unnest($1::uuid[], $2::int[], $3::text[], $4::text[])
        AS ending (id, claim, reason, error)
    WHERE (SELECT count(*) FROM locked) > 0
        AND j.id = ANY ($1::uuid[])
        AND j.id = ending.id
        AND j.claim = ending.claim
        AND CASE WHEN j.status = 'processing' THEN j.worker_id = $5::uuid ELSE false END
    RETURNING
        j.id, j.job_name, j.args, j.queue, j.priority, j.max_attempts, j.attempts, j.crashes,
        j.dedup_key, ending.error, ending.reason, j.created_at
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
