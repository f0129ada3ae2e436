SELECT number, NOT ended AS open, extract(epoch FROM clock_timestamp())::float8 AS now
FROM soniq_metric_sessions
WHERE id = $1::uuid
