INSERT INTO soniq_metric_chunks AS c (
    session_id, metric_key, metric_type, resolution, starts, ends, keep, points
)
SELECT $1::uuid, chunk.metric_key, chunk.metric_type, chunk.resolution, chunk.starts, chunk.ends,
    chunk.keep, chunk.points::jsonb
FROM unnest(
    $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[], $8::text[]
) AS chunk (metric_key, metric_type, resolution, starts, ends, keep, points)
ON CONFLICT (metric_key, resolution, starts, metric_type, session_id) DO UPDATE SET
    points = c.points || excluded.points, keep = excluded.keep
