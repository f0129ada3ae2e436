-- $1 rows of queued jobs to look at   $2 seconds since which dead letters count
SELECT job_name, sum(queued)::bigint AS queued, sum(dead_letter)::bigint AS dead_letter,
    in_reach(max(last_seen)) AS last_seen
FROM (
    SELECT job_name, count(*) AS queued, 0 AS dead_letter, max(updated_at) AS last_seen
    FROM (
        SELECT job_name, updated_at
        FROM soniq_jobs
        WHERE status = 'queued' AND crashes = 0
        LIMIT $1
    ) AS queued
    GROUP BY job_name
    UNION ALL
    SELECT job_name, 0, count(*), max(moved_to_dead_letter_at)
    FROM soniq_dead_letter_jobs
    WHERE moved_to_dead_letter_at > now() - $2::float8 * interval '1 second'
    GROUP BY job_name
) AS either
GROUP BY job_name
ORDER BY job_name
