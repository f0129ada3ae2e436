SELECT min(finished_at) FROM soniq_jobs WHERE finished_at IS NOT NULL
