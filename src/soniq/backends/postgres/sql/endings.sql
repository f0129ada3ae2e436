-- $1 seconds back   $2 seconds of a span
-- include spans
FROM soniq_jobs
WHERE status IN ('done', 'cancelled') AND finished_at > now() - $1::float8 * interval '1 second'
    AND finished_at < now() + interval '1 minute'
GROUP BY 1
ORDER BY 1
