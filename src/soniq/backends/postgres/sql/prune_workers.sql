-- $1 limit
DELETE FROM soniq_workers
WHERE id = ANY (ARRAY(
    SELECT id
    FROM soniq_workers
    WHERE status = 'stopped' AND stopped_at <= now() - interval '1 day'
    ORDER BY id
    LIMIT $1
    FOR UPDATE SKIP LOCKED
))
RETURNING id
