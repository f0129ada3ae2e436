-- $1 hours
SELECT date_trunc('hour', in_reach(created_at)) AS hour, count(*) AS total,
    count(*) FILTER (WHERE status = 'done') AS done
FROM soniq_jobs
WHERE created_at >= date_trunc('hour', now()) - ($1::int - 1) * interval '1 hour'
GROUP BY 1
