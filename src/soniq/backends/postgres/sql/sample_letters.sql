-- $1 percent
SELECT queue::text, (count(*) * 100 / $1::float4)::bigint AS jobs
FROM soniq_dead_letter_jobs TABLESAMPLE SYSTEM ($1) REPEATABLE (1)
GROUP BY queue
