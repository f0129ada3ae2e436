-- $1 hours   $2 percent; the numbers are those of the sample
SELECT date_trunc('hour', in_reach(created_at)) AS hour, count(*) AS total,
    count(*) FILTER (WHERE status = 'done') AS done
FROM soniq_jobs TABLESAMPLE SYSTEM ($2) REPEATABLE (1)
WHERE created_at >= date_trunc('hour', now()) - ($1::int - 1) * interval '1 hour'
GROUP BY 1
