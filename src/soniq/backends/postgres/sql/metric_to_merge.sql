SELECT
    c.session_id, s.ended, c.metric_key, c.metric_type, c.resolution, c.starts, c.ends, c.keep,
    c.points::text AS points
FROM soniq_metric_sessions AS s
JOIN soniq_metric_chunks AS c ON c.session_id = s.id
WHERE s.id <> '00000000-0000-0000-0000-000000000000'
    AND NOT c.merged AND (s.ended OR c.ends <= s.closed)
ORDER BY c.metric_key, c.resolution, c.starts, c.metric_type
LIMIT $1
