-- $1 queue or null   $2 status or null   $3 limit   $4 offset
-- Ids follow time, so the newest jobs are among those with the greatest ids; only these are put in
-- exact order, some more than asked for so that a client's slow clock hides nothing. An index on
-- created_at would be paid for by every claim and every finish.
SELECT
    -- include job_columns
FROM (
    SELECT *
    FROM soniq_jobs
    WHERE ($1::text IS NULL OR queue = $1) AND ($2::text IS NULL OR status = $2)
    ORDER BY soniq_jobs.id DESC
    LIMIT ($3::bigint + $4::bigint) * 2 + 1000
) AS newest
ORDER BY created_at DESC, newest.id DESC
LIMIT $3 OFFSET $4
