INSERT INTO soniq_metric_sessions AS s (id, worker_id, number, closed, ended, synced_at)
VALUES (:id, :worker_id, :number, :closed, :ended, :now)
ON CONFLICT (id) DO UPDATE SET
    number = excluded.number, closed = excluded.closed, ended = excluded.ended,
    synced_at = excluded.synced_at
WHERE NOT s.ended AND s.number < excluded.number
