SELECT
    coalesce(s.number, 0) AS number, coalesce(NOT s.ended, false) AS open,
    extract(epoch FROM clock_timestamp())::float8 AS now
FROM (SELECT $1::uuid AS id) AS asked
LEFT JOIN soniq_metric_sessions AS s ON s.id = asked.id
