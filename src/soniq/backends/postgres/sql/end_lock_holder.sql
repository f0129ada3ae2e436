-- $1 a worker's key: end the session that still holds its lock, which was that worker's own
SELECT pg_terminate_backend(held.pid)
FROM pg_locks AS held
JOIN pg_stat_activity AS activity ON activity.pid = held.pid AND activity.usename = session_user
WHERE held.locktype = 'advisory'
    AND held.objsubid = 1
    AND held.granted
    AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND (held.classid::bigint << 32) | held.objid::bigint = $1::bigint
    AND held.pid <> pg_backend_pid()
