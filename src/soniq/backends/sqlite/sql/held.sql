-- Which of some jobs a worker holds. The plus signs keep the plan on the primary key: the worker's
-- own index would walk all it holds.
SELECT json_group_array(json_array(id, rowid, claim))
FROM soniq_jobs
WHERE id IN (SELECT value FROM json_each(:ids))
    AND +status = 'processing' AND +worker_id = :worker
