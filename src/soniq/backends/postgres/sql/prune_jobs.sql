-- $1 seconds kept   $2 limit   $3 where the last batch ended
WITH over AS MATERIALIZED (
    SELECT id
    FROM soniq_jobs
    WHERE status IN ('done', 'cancelled')
        AND finished_at <= now() - $1::float8 * interval '1 second'
        AND finished_at >= $3::timestamptz
    ORDER BY finished_at
    LIMIT $2
),
locked AS MATERIALIZED (
    SELECT id, status
    FROM soniq_jobs
    WHERE id = ANY (ARRAY(SELECT id FROM over))
    ORDER BY id
    FOR UPDATE SKIP LOCKED
)
DELETE FROM soniq_jobs
WHERE id = ANY (ARRAY(SELECT id FROM locked WHERE status IN ('done', 'cancelled')))
RETURNING finished_at
