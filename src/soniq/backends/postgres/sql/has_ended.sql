-- $1 rows: whether more than so many jobs, and dead letters, have ended and are kept
SELECT
    EXISTS (
        SELECT FROM soniq_jobs WHERE status IN ('done', 'cancelled') OFFSET $1
    ) AS jobs,
    EXISTS (SELECT FROM soniq_dead_letter_jobs OFFSET $1) AS dead_letters
