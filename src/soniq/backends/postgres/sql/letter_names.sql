SELECT job_name, count(*) AS dead_letter, in_reach(max(moved_to_dead_letter_at)) AS last_run
FROM soniq_dead_letter_jobs
GROUP BY job_name
