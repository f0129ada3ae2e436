WITH looked AS (
    SELECT id, finished_at,
        -- include job_matches
    FROM soniq_jobs
    WHERE finished_at IS NOT NULL AND finished_at <= coalesce(:ended_at, 'Z')
        AND (:below IS NULL OR (finished_at, id) < (:ended_at, :below))
    ORDER BY finished_at DESC, id DESC
    LIMIT :rows
)
SELECT
    (
        SELECT json_group_array(json_array(CAST(id AS TEXT), CAST(finished_at AS TEXT)))
        FROM (
            SELECT id, finished_at FROM looked WHERE matches
            ORDER BY finished_at DESC, id DESC
            LIMIT :most
        )
    ),
    (SELECT count(*) FROM looked),
    (SELECT count(*) FROM looked WHERE matches),
    (SELECT json_array(CAST(id AS TEXT), CAST(finished_at AS TEXT)) FROM looked ORDER BY finished_at, id LIMIT 1)
