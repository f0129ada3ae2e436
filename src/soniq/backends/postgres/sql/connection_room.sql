-- Of all that may run out of connections, the one with the fewest left.
SELECT allowed, in_use
FROM (
    SELECT
        current_setting('max_connections')::int
            - current_setting('superuser_reserved_connections')::int
            - coalesce(current_setting('reserved_connections', true)::int, 0) AS allowed,
        (SELECT sum(numbackends)::int FROM pg_stat_database) AS in_use
    UNION ALL
    SELECT
        datconnlimit,
        (SELECT numbackends FROM pg_stat_database WHERE datname = current_database())
    FROM pg_database
    WHERE datname = current_database() AND datconnlimit >= 0
    UNION ALL
    SELECT
        rolconnlimit,
        (SELECT count(*)::int FROM pg_stat_activity WHERE usename = current_user)
    FROM pg_roles
    WHERE rolname = current_user AND rolconnlimit >= 0
) AS limits
ORDER BY allowed - in_use
LIMIT 1
