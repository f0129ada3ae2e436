SELECT CAST(queue AS TEXT), status, finished_at, CAST(attempts AS INTEGER),
    (julianday(finished_at) - julianday(started_at)) * 86400.0,
    (julianday(started_at) - julianday(scheduled_at)) * 86400.0
FROM soniq_jobs
WHERE finished_at > :since
ORDER BY finished_at DESC
LIMIT :most
