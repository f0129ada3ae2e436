SELECT id,
    (
        SELECT json_group_array(id)
        FROM (
            SELECT id FROM soniq_jobs
            WHERE status = 'processing' AND worker_id = soniq_workers.id LIMIT :most
        )
    ),
    json_extract(metadata, '$.memory_bytes')
FROM soniq_workers
WHERE status <> 'stopped'
