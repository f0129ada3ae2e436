-- $1 seconds
-- Only those that keep a row version from being swept: the others cost nothing.
SELECT pid, age, holder, ending
FROM (
    SELECT
        pid,
        extract(epoch FROM clock_timestamp() - xact_start)::float8 AS age,
        format(
            '%s (%s, %s)',
            coalesce(nullif(application_name, ''), 'a client'), usename, state
        ) AS holder,
        format('SELECT pg_terminate_backend(%s)', pid) AS ending
    FROM pg_stat_activity
    WHERE datname = current_database()
        AND backend_type = 'client backend'
        AND pid <> pg_backend_pid()
        AND coalesce(backend_xmin, backend_xid) IS NOT NULL
    UNION ALL
    SELECT
        NULL,
        extract(epoch FROM clock_timestamp() - prepared)::float8,
        format('the prepared transaction %s (%s)', gid, owner),
        format('ROLLBACK PREPARED %L', gid)
    FROM pg_prepared_xacts
    WHERE database = current_database()
) AS open
WHERE age > $1
ORDER BY age DESC
LIMIT 20
