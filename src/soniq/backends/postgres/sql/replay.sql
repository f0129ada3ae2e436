-- $1 dead letters   $2 ids of the new jobs   $3 how often each may have been replayed, or null
-- $4 whether attempts begin anew   $5 $6 $7 maximum of attempts, priority and queue, or null
-- $8 producer: the lanes of what was stored. The dead letters are locked. Sorted by key, so that two
-- of these cannot wait for each other.
WITH wanted AS MATERIALIZED (
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::int[]) AS one (dead_id, job_id, replayed_before)
),
stored AS (
    INSERT INTO soniq_jobs (
        id, job_name, args, queue, priority, attempts, max_attempts, dedup_key, scheduled_at,
        created_at, updated_at, producer_id
    )
    SELECT
        wanted.job_id, job_name, args, coalesce($7, queue), coalesce($6, priority),
        CASE WHEN $4 THEN 0 ELSE least(attempts, coalesce($5, max_attempts) - 1) END,
        coalesce($5, max_attempts), dedup_key, now(), now(), now(), $8
    FROM soniq_dead_letter_jobs AS letter
    JOIN wanted ON wanted.dead_id = letter.id
    WHERE
        letter.id = ANY ($1::uuid[])
        AND last_resurrection_job_id IS DISTINCT FROM wanted.job_id
        AND coalesce(wanted.replayed_before, resurrection_count) = resurrection_count
    ORDER BY dedup_key
    ON CONFLICT DO NOTHING
    RETURNING id, queue, priority
),
counted AS (
    UPDATE soniq_dead_letter_jobs AS letter
    SET
        resurrection_count = resurrection_count + 1,
        last_resurrection_at = now(),
        last_resurrection_job_id = wanted.job_id
    FROM wanted
    WHERE letter.id = wanted.dead_id AND wanted.job_id IN (SELECT id FROM stored)
)
SELECT DISTINCT queue, priority, now() AS now FROM stored
