SELECT hour, sum(total), sum(done), sum(dead)
FROM (
    SELECT substr(created_at, 1, 13) AS hour, count(*) AS total,
        count(*) FILTER (WHERE status = 'done') AS done, 0 AS dead
    FROM soniq_jobs
    WHERE created_at >= :first
    GROUP BY hour
    UNION ALL
    SELECT substr(original_created_at, 1, 13), count(*), 0, count(*)
    FROM soniq_dead_letter_jobs
    WHERE original_created_at >= :first
    GROUP BY 1
)
GROUP BY hour
ORDER BY hour
