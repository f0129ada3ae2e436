    SELECT
        to_timestamp(floor(extract(epoch FROM finished_at)::float8 / $2::float8) * $2::float8) AS at,
        count(*) FILTER (WHERE status = 'done') AS done,
        count(*) FILTER (WHERE status = 'cancelled') AS cancelled,
        sum(greatest(attempts - 1, 0)) FILTER (WHERE status = 'done') AS failed,
        (1000 * extract(epoch FROM avg(finished_at - in_reach(started_at))
            FILTER (WHERE status = 'done')))::float8 AS run_avg_ms,
        (1000 * extract(epoch FROM percentile_cont(0.5) WITHIN GROUP
            (ORDER BY finished_at - in_reach(started_at)) FILTER (WHERE status = 'done')))::float8
            AS run_p50_ms,
        (1000 * extract(epoch FROM percentile_cont(0.95) WITHIN GROUP
            (ORDER BY finished_at - in_reach(started_at)) FILTER (WHERE status = 'done')))::float8
            AS run_p95_ms,
        (1000 * extract(epoch FROM percentile_cont(0.95) WITHIN GROUP
            (ORDER BY in_reach(started_at) - in_reach(scheduled_at)) FILTER (WHERE status = 'done')))::float8
            AS wait_p95_ms
