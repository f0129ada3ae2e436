UPDATE soniq_metric_chunks AS c SET merged = true
FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[])
    AS source (metric_key, metric_type, resolution, starts, session_id)
WHERE c.metric_key = source.metric_key AND c.resolution = source.resolution
    AND c.starts = source.starts AND c.metric_type = source.metric_type
    AND c.session_id = source.session_id::uuid
