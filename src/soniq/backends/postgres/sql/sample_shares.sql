-- $1 pages to look at: percent of the jobs, and of the dead letters, that these are
SELECT
    least(100, 100.0 * pages.bytes / greatest(pg_relation_size('soniq_jobs'), 1))::float4 AS jobs,
    least(100, 100.0 * pages.bytes / greatest(pg_relation_size('soniq_dead_letter_jobs'), 1))::float4
        AS dead_letters
FROM (SELECT $1::bigint * current_setting('block_size')::int AS bytes) AS pages
