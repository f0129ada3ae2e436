-- Who holds jobs without a live worker row, and whether a row is left that tells of an orderly end.
SELECT DISTINCT job.worker_id, worker.id IS NOT NULL
FROM soniq_jobs AS job
LEFT JOIN soniq_workers AS worker ON worker.id = job.worker_id
WHERE job.status = 'processing' AND (worker.id IS NULL OR worker.status = 'stopped')
