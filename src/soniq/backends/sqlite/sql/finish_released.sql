-- Endings are [row, earliest due time]; an empty text leaves the due time as it was.
UPDATE soniq_jobs
SET status = 'queued',
    scheduled_at = max(scheduled_at, json_extract(ended.value, '$[1]')),
    attempts = attempts - 1,
    updated_at = :now
FROM json_each(:endings) AS ended
WHERE soniq_jobs.rowid = json_extract(ended.value, '$[0]')
