-- $1 id below which to look, or null   $2 rows to look at   $3 ids to give   $4 queue or null
-- The last in the index are mostly the newest: the greatest ids are found early, not last.
WITH looked AS NOT MATERIALIZED (
    (
        SELECT id
        FROM soniq_jobs
        WHERE status = 'queued' AND crashes = 0 AND ($4::text IS NULL OR queue = $4)
        ORDER BY queue DESC, priority DESC, scheduled_at DESC, soniq_jobs.id DESC
        LIMIT $2
    )
    UNION ALL
    (
        SELECT id
        FROM soniq_jobs
        WHERE status = 'queued' AND crashes > 0 AND ($4::text IS NULL OR queue = $4)
        LIMIT $2
    )
)
SELECT
    ARRAY(
        SELECT id::text FROM looked WHERE $1::uuid IS NULL OR id < $1
        ORDER BY looked.id DESC LIMIT $3
    ) AS ids,
    count(*) AS looked_at,
    count(*) FILTER (WHERE $1::uuid IS NULL OR id < $1) AS matching
FROM looked
