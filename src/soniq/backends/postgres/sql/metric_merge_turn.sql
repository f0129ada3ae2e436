-- One merge at a time: they change the same rows.
INSERT INTO soniq_metric_sessions AS s (id, number, closed, ended, synced_at)
VALUES ('00000000-0000-0000-0000-000000000000', 0, 0, false, clock_timestamp())
ON CONFLICT (id) DO UPDATE SET synced_at = excluded.synced_at
