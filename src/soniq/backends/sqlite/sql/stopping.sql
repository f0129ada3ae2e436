UPDATE soniq_workers SET status = 'stopping' WHERE id = :worker AND status = 'active'
