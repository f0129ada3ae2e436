UPDATE soniq_metric_sessions SET ended = 1 WHERE NOT ended AND synced_at < :before
