-- $1 seconds back   $2 seconds of a span
SELECT
    to_timestamp(
        floor(extract(epoch FROM moved_to_dead_letter_at)::float8 / $2::float8) * $2::float8
    ) AS at,
    count(*) AS dead_letter, sum(attempts) AS failed
FROM soniq_dead_letter_jobs
WHERE moved_to_dead_letter_at > now() - $1::float8 * interval '1 second'
    AND moved_to_dead_letter_at < now() + interval '1 minute'
GROUP BY 1
