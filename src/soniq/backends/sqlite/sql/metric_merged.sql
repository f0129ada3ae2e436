SELECT metric_key, metric_type, resolution, starts, keep, points
FROM soniq_metric_chunks
WHERE metric_key = :key AND metric_type = :kind AND resolution = :resolution AND starts = :start
    AND session_id = '00000000-0000-0000-0000-000000000000'
