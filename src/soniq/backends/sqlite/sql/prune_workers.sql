DELETE FROM soniq_workers
WHERE id IN (
    SELECT id FROM soniq_workers
    WHERE status = 'stopped' AND last_heartbeat <= :cutoff
    LIMIT :limit
)
