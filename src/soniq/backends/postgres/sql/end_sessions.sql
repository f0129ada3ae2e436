-- $1 process numbers   $2 their starts: which of these server sessions are still there, each told
-- to end
SELECT activity.pid, activity.backend_start, pg_terminate_backend(activity.pid)
FROM pg_stat_activity AS activity
JOIN unnest($1::int[], $2::timestamptz[]) AS lost (pid, started)
    ON activity.pid = lost.pid AND activity.backend_start = lost.started
