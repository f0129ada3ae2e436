WITH looked AS (
    SELECT id,
        -- include job_matches
    FROM soniq_jobs
    WHERE :below IS NULL OR id < :below
    ORDER BY id DESC
    LIMIT :rows
)
SELECT
    (
        SELECT json_group_array(json_array(CAST(id AS TEXT), NULL))
        FROM (SELECT id FROM looked WHERE matches ORDER BY id DESC LIMIT :most)
    ),
    (SELECT count(*) FROM looked),
    (SELECT count(*) FROM looked WHERE matches),
    (SELECT json_array(CAST(min(id) AS TEXT), NULL) FROM looked)
