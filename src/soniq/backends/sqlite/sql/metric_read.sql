SELECT json_group_array(json_array(metric_key, metric_type, resolution, keep, points, starts))
FROM (
    SELECT c.metric_key, c.metric_type, c.resolution, c.keep, c.points, c.starts
    FROM soniq_metric_chunks AS c
    WHERE (
            :prefix = '' OR c.metric_key = :prefix
            OR (c.metric_key >= :prefix || ':' AND c.metric_key < :prefix || ';')
        )
        AND (:resolution IS NULL OR c.resolution = :resolution)
        AND c.ends > :now - c.keep
        AND CASE
            WHEN :worker_id IS NULL THEN NOT c.merged
            ELSE c.session_id IN (
                SELECT s.id FROM soniq_metric_sessions AS s WHERE s.worker_id = :worker_id
            )
        END
    ORDER BY c.metric_key, c.resolution
)
