-- $1 seconds back   $2 rows: whether more than so many jobs have ended since
SELECT EXISTS (
    SELECT FROM soniq_jobs
    WHERE status IN ('done', 'cancelled') AND finished_at > now() - $1::float8 * interval '1 second'
    OFFSET $2
)
