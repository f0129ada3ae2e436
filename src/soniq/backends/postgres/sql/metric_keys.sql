SELECT DISTINCT metric_key
FROM soniq_metric_chunks
WHERE ends > extract(epoch FROM now()) - keep
ORDER BY metric_key
