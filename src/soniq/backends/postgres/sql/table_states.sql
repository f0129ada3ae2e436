-- $1 further tables
SELECT
    c.relname AS name,
    coalesce(s.n_live_tup, 0) AS live,
    coalesce(s.n_dead_tup, 0) AS dead,
    pg_table_size(c.oid) AS bytes,
    current_setting('autovacuum')::bool
        AND current_setting('track_counts')::bool
        AND coalesce(
            (
                SELECT option_value::bool
                FROM pg_options_to_table(c.reloptions)
                WHERE option_name = 'autovacuum_enabled'
            ),
            true
        ) AS swept,
    extract(
        epoch FROM clock_timestamp() - greatest(s.last_vacuum, s.last_autovacuum)
    )::float8 AS swept_for
FROM pg_class AS c
LEFT JOIN pg_stat_all_tables AS s ON s.relid = c.oid
WHERE c.oid IN (
    'soniq_jobs'::regclass, 'soniq_dead_letter_jobs'::regclass, 'soniq_workers'::regclass,
    'soniq_leases'::regclass
)
OR c.oid = ANY (SELECT to_regclass(name)::oid FROM unnest($1::text[]) AS name)
ORDER BY c.relname
