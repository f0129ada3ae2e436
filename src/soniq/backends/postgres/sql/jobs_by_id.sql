-- $1 ids
SELECT
    -- include job_columns
FROM soniq_jobs
WHERE id = ANY ($1::uuid[])
