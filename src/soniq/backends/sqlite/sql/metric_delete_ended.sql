DELETE FROM soniq_metric_chunks
WHERE merged AND session_id IN (SELECT id FROM soniq_metric_sessions WHERE ended)
