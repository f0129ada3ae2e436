SELECT c.metric_key, c.metric_type, c.resolution, c.keep, c.points::text AS points,
    c.starts
FROM soniq_metric_chunks AS c
WHERE (
        $1 = ''
        -- One range, so that rows come in the index's order; then without what is in between.
        OR (
            c.metric_key >= $1 AND c.metric_key < $1 || ';'
            AND (c.metric_key = $1 OR c.metric_key >= $1 || ':')
        )
    )
    AND ($2::text IS NULL OR c.resolution = $2)
    AND c.ends > extract(epoch FROM now()) - c.keep
    AND CASE
        WHEN $3::uuid IS NULL THEN NOT c.merged
        ELSE c.session_id IN (
            SELECT s.id FROM soniq_metric_sessions AS s WHERE s.worker_id = $3::uuid
        )
    END
ORDER BY c.metric_key, c.resolution
