SELECT CAST(queue AS TEXT), min(scheduled_at) FROM soniq_jobs WHERE status = 'queued' GROUP BY queue
