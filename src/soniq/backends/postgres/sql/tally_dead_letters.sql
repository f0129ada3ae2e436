-- $1..$9 the selection
SELECT
    job_name, queue, dead_letter_reason,
    (in_reach(moved_to_dead_letter_at) AT TIME ZONE 'UTC')::date AS day, count(*) AS jobs,
    extract(epoch FROM now() - in_reach(min(moved_to_dead_letter_at)))::float8 AS oldest_age,
    count(*) FILTER (WHERE resurrection_count > 0) AS resurrected,
    count(*) FILTER (
        WHERE resurrection_count > 0 AND NOT EXISTS (
            SELECT FROM soniq_dead_letter_jobs AS again WHERE again.id = letter.last_resurrection_job_id
        )
    ) AS revived
FROM soniq_dead_letter_jobs AS letter
WHERE
    -- include dead_letter_filter
GROUP BY job_name, queue, dead_letter_reason, day
