-- $1 jobs at most
SELECT worker.id::text, (metadata ->> 'memory_bytes')::bigint AS memory_bytes,
    coalesce(held.ids, '{}') AS running
FROM soniq_workers AS worker
LEFT JOIN (
    SELECT worker_id, array_agg(id::text) AS ids
    FROM (
        SELECT worker_id, id FROM soniq_jobs WHERE status = 'processing' LIMIT $1
    ) AS running
    GROUP BY worker_id
) AS held ON held.worker_id = worker.id
WHERE worker.status <> 'stopped'
