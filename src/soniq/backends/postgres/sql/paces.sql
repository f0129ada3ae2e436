-- $1 rows: how the jobs that ended last went, by queue; at most those of an hour. Where so many ended
-- in less than a minute, their number is stretched to one.
WITH lately AS MATERIALIZED (
    SELECT queue, status, finished_at, finished_at - in_reach(started_at) AS run,
        in_reach(started_at) - in_reach(scheduled_at) AS waited
    FROM soniq_jobs
    WHERE status IN ('done', 'cancelled') AND finished_at > now() - interval '1 hour'
        AND finished_at < now() + interval '1 minute'
    ORDER BY finished_at DESC
    LIMIT $1
),
span AS (
    SELECT CASE
        WHEN count(*) < $1 THEN 60.0
        ELSE least(60.0, greatest(extract(epoch FROM now() - min(finished_at)), 0.001))
    END AS seconds
    FROM lately
)
SELECT
    queue::text,
    (
        count(*) FILTER (WHERE finished_at > now() - span.seconds * interval '1 second')
        * 60.0 / span.seconds
    )::float8 AS per_minute,
    (1000 * extract(epoch FROM avg(run) FILTER (WHERE status = 'done')))::float8 AS run_avg_ms,
    (1000 * extract(epoch FROM percentile_cont(0.5) WITHIN GROUP (ORDER BY run)
        FILTER (WHERE status = 'done')))::float8 AS run_p50_ms,
    (1000 * extract(epoch FROM percentile_cont(0.95) WITHIN GROUP (ORDER BY run)
        FILTER (WHERE status = 'done')))::float8 AS run_p95_ms,
    (1000 * extract(epoch FROM percentile_cont(0.5) WITHIN GROUP (ORDER BY waited)
        FILTER (WHERE status = 'done')))::float8 AS wait_p50_ms,
    (1000 * extract(epoch FROM percentile_cont(0.95) WITHIN GROUP (ORDER BY waited)
        FILTER (WHERE status = 'done')))::float8 AS wait_p95_ms
FROM lately
CROSS JOIN span
GROUP BY queue, span.seconds
ORDER BY queue
