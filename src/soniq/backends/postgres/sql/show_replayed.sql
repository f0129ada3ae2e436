-- $1 dead letters   $2 ids of the new jobs   $3 how often each may have been replayed, or null
-- Of each the new job, else who holds its key. One whose holder has just gone is stuck.
SELECT
    letter.id::text AS dead_id,
    letter.dedup_key IS NOT NULL
        AND coalesce(wanted.replayed_before, resurrection_count) = resurrection_count AS stuck,
    coalesce(
        CASE WHEN letter.last_resurrection_job_id = wanted.job_id THEN wanted.job_id END, holder.id
    )::text AS job_id,
    letter.last_resurrection_job_id IS NOT DISTINCT FROM wanted.job_id AS is_new
FROM unnest($1::uuid[], $2::uuid[], $3::int[])
    WITH ORDINALITY AS wanted (dead_id, job_id, replayed_before, position)
JOIN soniq_dead_letter_jobs AS letter ON letter.id = wanted.dead_id
LEFT JOIN LATERAL (
    -- Limited, so that it is an index probe each and never a join with the whole table.
    SELECT id
    FROM soniq_jobs
    WHERE dedup_key = letter.dedup_key AND status IN ('queued', 'processing')
    LIMIT 1
) AS holder ON letter.last_resurrection_job_id IS DISTINCT FROM wanted.job_id
WHERE letter.id = ANY ($1::uuid[])
ORDER BY wanted.position
