DELETE FROM soniq_metric_sessions
WHERE ended AND synced_at < :before
    AND NOT EXISTS (SELECT 1 FROM soniq_metric_chunks AS c WHERE c.session_id = id)
