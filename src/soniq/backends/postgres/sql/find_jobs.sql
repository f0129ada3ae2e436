-- $1 id below which to look, or null   $2 rows to look at   $3 ids to give   $4 queue   $5 status
-- $6 name   $7 pattern: each or null
WITH looked AS MATERIALIZED (
    SELECT id,
        -- include job_matches
    FROM soniq_jobs
    WHERE $1::uuid IS NULL OR id < $1
    ORDER BY soniq_jobs.id DESC
    LIMIT $2
)
SELECT
    ARRAY(SELECT id::text FROM looked WHERE matches ORDER BY looked.id DESC LIMIT $3) AS ids,
    (SELECT count(*) FROM looked) AS looked_at,
    (SELECT count(*) FROM looked WHERE matches) AS matching,
    (SELECT id::text FROM looked ORDER BY looked.id LIMIT 1) AS last
