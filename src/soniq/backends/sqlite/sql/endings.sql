SELECT CAST(CAST(strftime('%s', finished_at) AS INTEGER) / :step AS INTEGER) * :step AS at,
    count(*) FILTER (WHERE status = 'done'), count(*) FILTER (WHERE status = 'cancelled'),
    coalesce(sum(max(attempts - 1, 0)) FILTER (WHERE status = 'done'), 0)
FROM soniq_jobs
WHERE finished_at > :since
GROUP BY at
