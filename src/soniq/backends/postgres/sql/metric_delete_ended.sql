DELETE FROM soniq_metric_chunks AS c
USING soniq_metric_sessions AS s
WHERE s.ended AND c.session_id = s.id AND c.merged
