SELECT DISTINCT c.metric_key
FROM soniq_metric_chunks AS c
WHERE
    -- include metric_kept
ORDER BY c.metric_key
