SELECT now() AS now,
    (SELECT min(finished_at) FROM soniq_jobs WHERE status IN ('done', 'cancelled')) AS oldest
