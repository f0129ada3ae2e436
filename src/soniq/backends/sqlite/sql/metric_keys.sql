SELECT json_group_array(metric_key)
FROM (
    SELECT DISTINCT metric_key FROM soniq_metric_chunks WHERE ends > :now - keep
    ORDER BY metric_key
)
