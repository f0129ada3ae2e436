-- $1 id below which to look, or null   $2 rows to look at   $3 ids to give   $4 queue or null
WITH matching AS MATERIALIZED (
    SELECT id
    FROM soniq_jobs
    WHERE status = 'processing' AND ($4::text IS NULL OR queue = $4)
        AND ($1::uuid IS NULL OR id < $1)
    LIMIT $2
)
SELECT
    ARRAY(SELECT id::text FROM matching ORDER BY matching.id DESC LIMIT $3) AS ids,
    (SELECT count(*) FROM matching) AS looked_at,
    (SELECT count(*) FROM matching) AS matching
