SELECT CAST(job_name AS TEXT), sum(queued), sum(dead), max(seen)
FROM (
    SELECT job_name, count(*) AS queued, 0 AS dead, max(updated_at) AS seen
    FROM soniq_jobs
    WHERE status = 'queued'
    GROUP BY job_name
    UNION ALL
    SELECT job_name, 0, count(*), max(moved_to_dead_letter_at)
    FROM soniq_dead_letter_jobs
    WHERE moved_to_dead_letter_at > :since
    GROUP BY job_name
)
GROUP BY job_name
ORDER BY job_name
