SELECT
    c.relname AS "table", pg_total_relation_size(c.oid) AS total, pg_table_size(c.oid) AS data,
    pg_indexes_size(c.oid) AS indexes
FROM pg_class AS c
WHERE c.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = 'soniq_jobs'::regclass)
    AND c.relkind IN ('r', 'p')
    AND (starts_with(c.relname::text, 'soniq_') OR c.relname = ANY ($1::text[]))
ORDER BY c.relname
