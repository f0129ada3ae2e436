-- Endings are [row, due, error, attempts given back]. It ran here, so its name was known.
UPDATE soniq_jobs
SET status = 'queued',
    scheduled_at = json_extract(ended.value, '$[1]'),
    last_error = json_extract(ended.value, '$[2]'),
    attempts = attempts - json_extract(ended.value, '$[3]'),
    unknown_since = NULL,
    updated_at = :now
FROM json_each(:endings) AS ended
WHERE soniq_jobs.rowid = json_extract(ended.value, '$[0]')
