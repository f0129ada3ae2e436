UPDATE soniq_metric_sessions AS s SET ended = true
FROM (
    SELECT id FROM soniq_metric_sessions
    WHERE NOT ended AND id <> '00000000-0000-0000-0000-000000000000'
        AND synced_at < clock_timestamp() - $1::float8 * interval '1 second'
    ORDER BY id
    FOR UPDATE SKIP LOCKED
) AS silent
WHERE s.id = silent.id
RETURNING s.id
