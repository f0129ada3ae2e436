-- $1 worker   $2 its lock's key, null to take none: a row, unless it has been declared dead
-- A judge whose connection was lost has no right to call others late for that time.
UPDATE soniq_workers
SET last_heartbeat = now(), steady_since = now()
WHERE id = $1::uuid AND status <> 'stopped'
RETURNING CASE WHEN $2::bigint IS NOT NULL THEN pg_try_advisory_lock($2::bigint) END
