SELECT queue::text, status, count(*) AS jobs
FROM soniq_jobs
WHERE status IN ('done', 'cancelled')
GROUP BY queue, status
