SELECT CAST(job_name AS TEXT), sum(total), sum(queued), sum(done), sum(dead), sum(run) / nullif(sum(done), 0),
    max(last_run)
FROM (
    SELECT job_name, count(*) AS total, count(*) FILTER (WHERE status = 'queued') AS queued,
        count(*) FILTER (WHERE status = 'done') AS done, 0 AS dead,
        sum((julianday(finished_at) - julianday(started_at)) * 86400000.0)
            FILTER (WHERE status = 'done') AS run,
        max(started_at) AS last_run
    FROM soniq_jobs
    GROUP BY job_name
    UNION ALL
    SELECT job_name, count(*), 0, 0, count(*), NULL, max(moved_to_dead_letter_at)
    FROM soniq_dead_letter_jobs
    GROUP BY job_name
)
GROUP BY job_name
ORDER BY job_name
