SELECT id, status, worker_id, claim, last_error
FROM soniq_jobs
WHERE id IN (SELECT value FROM json_each(:ids))
