-- $1 rows: whether more than so many jobs are queued
SELECT EXISTS (SELECT FROM soniq_jobs WHERE status = 'queued' AND crashes = 0 OFFSET $1)
