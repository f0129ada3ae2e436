-- $1 seconds back   $2 seconds of a span   $3 percent; the numbers are those of the sample
-- include spans
FROM soniq_jobs TABLESAMPLE SYSTEM ($3) REPEATABLE (1)
WHERE status IN ('done', 'cancelled') AND finished_at > now() - $1::float8 * interval '1 second'
    AND finished_at < now() + interval '1 minute'
GROUP BY 1
ORDER BY 1
