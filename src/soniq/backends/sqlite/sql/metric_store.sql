INSERT INTO soniq_metric_chunks AS c (
    session_id, metric_key, metric_type, resolution, starts, ends, keep, points
)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (metric_key, resolution, starts, metric_type, session_id) DO UPDATE SET
    points = json_patch(c.points, excluded.points), keep = excluded.keep
