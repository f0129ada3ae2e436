-- Also the lock that keeps `merge` from a session while it stores.
WITH known AS (
    UPDATE soniq_metric_sessions
    SET number = $3, closed = $4, ended = $5, synced_at = clock_timestamp()
    WHERE id = $1::uuid AND NOT ended AND number < $3
    RETURNING number, ended
), begun AS (
    -- A later sync of a session that is forgotten would add to what was merged of it.
    INSERT INTO soniq_metric_sessions (id, worker_id, number, closed, ended, synced_at)
    SELECT $1::uuid, $2::uuid, $3, $4, $5, clock_timestamp()
    WHERE $3 = 1
    ON CONFLICT (id) DO NOTHING
    RETURNING number, ended
)
SELECT number, NOT ended AS open, extract(epoch FROM clock_timestamp())::float8 AS now
FROM (SELECT number, ended FROM known UNION ALL SELECT number, ended FROM begun) AS taken
