-- $1 worker
UPDATE soniq_workers SET status = 'stopping' WHERE id = $1::uuid AND status = 'active'
