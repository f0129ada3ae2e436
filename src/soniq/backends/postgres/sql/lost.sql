-- $1 ids   $2 claim numbers   $3 worker: the claims that are no longer the worker's
SELECT held.id::text, coalesce(job.status = 'cancelled' AND job.claim = held.claim, false)
FROM unnest($1::uuid[], $2::int[]) AS held (id, claim)
LEFT JOIN LATERAL (
    SELECT status, claim, worker_id FROM soniq_jobs WHERE soniq_jobs.id = held.id LIMIT 1
) AS job ON true
WHERE (job.status = 'processing' AND job.worker_id = $3::uuid AND job.claim = held.claim)
    IS NOT TRUE
