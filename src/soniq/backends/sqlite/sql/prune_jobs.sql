DELETE FROM soniq_jobs
WHERE rowid IN (
    SELECT rowid FROM soniq_jobs WHERE finished_at <= :cutoff ORDER BY finished_at LIMIT :limit
)
