-- $1 percent: the jobs of each queue and status, judged by so many pages of the table. The same pages
-- each time, lest the figures dance.
SELECT queue::text, status, (count(*) * 100 / $1::float4)::bigint AS jobs
FROM soniq_jobs TABLESAMPLE SYSTEM ($1) REPEATABLE (1)
WHERE status <> 'processing'
GROUP BY queue, status
