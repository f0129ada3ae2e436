UPDATE soniq_workers SET last_heartbeat = :now WHERE id = :worker AND status <> 'stopped'
