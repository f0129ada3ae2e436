INSERT INTO soniq_schedulers (id, hostname, pid, schedule_names, expires_at)
VALUES (:id, :hostname, :pid, :names, :expires_at)
ON CONFLICT (id) DO UPDATE
SET schedule_names = excluded.schedule_names, expires_at = excluded.expires_at
