SELECT now() AS now,
    (SELECT in_reach(min(finished_at)) FROM soniq_jobs WHERE status IN ('done', 'cancelled')) AS oldest
