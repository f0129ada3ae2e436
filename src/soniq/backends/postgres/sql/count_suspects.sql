-- $1 at most
SELECT count(*)
FROM (SELECT FROM soniq_jobs WHERE status = 'queued' AND crashes > 0 LIMIT $1) AS suspects
