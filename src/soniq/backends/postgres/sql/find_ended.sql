-- $1 id and $8 end, or both null, of the place below which to look   $2 rows to look at
-- $3 ids to give   $4 queue   $5 status   $6 name   $7 pattern: each or null
WITH looked AS MATERIALIZED (
    SELECT id, finished_at,
        -- include job_matches
    FROM soniq_jobs
    WHERE status IN ('done', 'cancelled')
        AND (finished_at, id) < (coalesce($8::timestamptz, 'infinity'), $1::uuid)
    ORDER BY soniq_jobs.finished_at DESC, soniq_jobs.id DESC
    LIMIT $2
),
given AS MATERIALIZED (
    SELECT id, finished_at FROM looked WHERE matches
    ORDER BY looked.finished_at DESC, looked.id DESC
    LIMIT $3
),
last AS MATERIALIZED (
    SELECT id, finished_at FROM looked ORDER BY looked.finished_at, looked.id LIMIT 1
)
SELECT
    ARRAY(SELECT id::text FROM given ORDER BY given.finished_at DESC, given.id DESC) AS ids,
    ARRAY(SELECT in_reach(finished_at) FROM given ORDER BY given.finished_at DESC, given.id DESC) AS ends,
    (SELECT count(*) FROM looked) AS looked_at,
    (SELECT count(*) FROM looked WHERE matches) AS matching,
    (SELECT id::text FROM last) AS last,
    (SELECT in_reach(finished_at) FROM last) AS last_end
