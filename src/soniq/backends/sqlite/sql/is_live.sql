SELECT 1 FROM soniq_workers WHERE id = :worker AND status <> 'stopped'
