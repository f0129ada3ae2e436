-- $1 hours
SELECT date_trunc('hour', in_reach(original_created_at)) AS hour, count(*) AS dead_letter
FROM soniq_dead_letter_jobs
WHERE original_created_at >= date_trunc('hour', now()) - ($1::int - 1) * interval '1 hour'
GROUP BY 1
