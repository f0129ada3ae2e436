-- $1 worker   $2 its lock's key if it lacks the lock   $3 liveness   $4 bytes of memory or null: a row,
-- unless declared dead
UPDATE soniq_workers
SET last_heartbeat = now(),
    steady_since = CASE
        WHEN now() - last_heartbeat
            > (heartbeat_interval + least(2, heartbeat_interval)) * interval '1 second' THEN now()
        ELSE steady_since
    END,
    liveness = $3,
    metadata = metadata || jsonb_build_object('memory_bytes', $4::bigint)
WHERE id = $1::uuid AND status <> 'stopped'
RETURNING CASE WHEN $2::bigint IS NOT NULL THEN pg_try_advisory_lock($2::bigint) END
