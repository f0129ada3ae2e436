    SELECT job_name, count(*) AS total,
        count(*) FILTER (WHERE status = 'queued') AS queued,
        count(*) FILTER (WHERE status = 'done') AS done,
        (1000 * extract(epoch FROM avg(in_reach(finished_at) - in_reach(started_at))
            FILTER (WHERE status = 'done')))::float8 AS run_avg_ms,
        in_reach(max(started_at)) AS last_run
