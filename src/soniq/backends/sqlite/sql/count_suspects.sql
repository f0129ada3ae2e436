SELECT count(*)
FROM (SELECT 1 FROM soniq_jobs WHERE status = 'queued' AND crashes > 0 LIMIT :most)
