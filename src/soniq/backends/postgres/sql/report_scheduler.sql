-- $1 id   $2 hostname   $3 pid   $4 names   $5 life in seconds
INSERT INTO soniq_schedulers (id, hostname, pid, schedule_names, expires_at)
VALUES ($1::text::uuid, $2, $3, $4, clock_timestamp() + $5::float8 * interval '1 second')
ON CONFLICT (id) DO UPDATE
SET schedule_names = excluded.schedule_names, expires_at = excluded.expires_at
