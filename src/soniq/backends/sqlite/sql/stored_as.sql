-- The id under which a keyed job is stored: its own, else that of the live job with its key.
SELECT id FROM soniq_jobs WHERE id = :id
UNION ALL
SELECT id FROM soniq_jobs
WHERE dedup_key = :dedup_key AND status IN ('queued', 'processing')
LIMIT 1
