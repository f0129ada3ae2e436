SELECT c.metric_key, c.metric_type, c.resolution, c.starts, c.keep, c.points::text AS points
FROM soniq_metric_chunks AS c
JOIN unnest($1::text[], $2::text[], $3::text[], $4::bigint[])
    AS wanted (metric_key, metric_type, resolution, starts)
    ON c.metric_key = wanted.metric_key AND c.resolution = wanted.resolution
    AND c.starts = wanted.starts AND c.metric_type = wanted.metric_type
WHERE c.session_id = '00000000-0000-0000-0000-000000000000'
