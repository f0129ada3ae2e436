SELECT id, rowid, crashes FROM soniq_jobs WHERE status = 'processing' AND worker_id = :worker
