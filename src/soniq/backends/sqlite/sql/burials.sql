SELECT CAST(job_name AS TEXT), CAST(dead_letter_reason AS TEXT), count(*)
FROM soniq_dead_letter_jobs
WHERE moved_to_dead_letter_at > :since
GROUP BY job_name, dead_letter_reason
ORDER BY count(*) DESC, job_name, dead_letter_reason
