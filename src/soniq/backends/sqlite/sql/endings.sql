SELECT CAST(CAST(strftime('%s', finished_at) AS INTEGER) / :step AS INTEGER) * :step AS at,
    count(*) FILTER (WHERE status = 'done'), count(*) FILTER (WHERE status = 'cancelled'),
    coalesce(sum(min(max(CAST(attempts AS INTEGER) - 1, 0), 2147483647)) FILTER (WHERE status = 'done'), 0)
FROM soniq_jobs
WHERE finished_at > :since AND julianday(finished_at) > julianday(:since)
GROUP BY at
