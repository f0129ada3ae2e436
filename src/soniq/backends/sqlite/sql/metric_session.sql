-- A later sync of a session that is forgotten would add to what was merged of it.
INSERT INTO soniq_metric_sessions AS s (id, worker_id, number, closed, ended, synced_at)
SELECT :id, :worker_id, :number, :closed, :ended, :now
WHERE :number = 1 OR EXISTS (SELECT 1 FROM soniq_metric_sessions WHERE id = :id)
ON CONFLICT (id) DO UPDATE SET
    number = excluded.number, closed = excluded.closed, ended = excluded.ended,
    synced_at = excluded.synced_at
WHERE NOT s.ended AND s.number < excluded.number
