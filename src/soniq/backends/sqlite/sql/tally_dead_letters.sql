SELECT
    CAST(job_name AS TEXT), CAST(queue AS TEXT), CAST(dead_letter_reason AS TEXT),
    substr(moved_to_dead_letter_at, 1, 10) AS day, count(*),
    min(moved_to_dead_letter_at), sum(resurrection_count > 0),
    sum(resurrection_count > 0 AND NOT EXISTS (
        SELECT 1 FROM soniq_dead_letter_jobs AS again
        WHERE again.id = letter.last_resurrection_job_id
    ))
FROM soniq_dead_letter_jobs AS letter
WHERE
    -- include dead_letter_filter
GROUP BY job_name, queue, dead_letter_reason, day
