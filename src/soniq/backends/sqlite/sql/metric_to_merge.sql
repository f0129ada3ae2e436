SELECT
    c.session_id, c.metric_key, c.metric_type, c.resolution, c.starts, c.ends, c.keep, c.points
FROM soniq_metric_sessions AS s
JOIN soniq_metric_chunks AS c ON c.session_id = s.id
WHERE NOT c.merged AND (s.ended OR c.ends <= s.closed)
ORDER BY c.metric_key, c.resolution, c.starts, c.metric_type
LIMIT :limit
