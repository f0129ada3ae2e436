-- The new job of each, else who holds its key.
SELECT
    letter.id,
    CASE WHEN last_resurrection_job_id IS json_extract(wanted.value, '$[1]')
        THEN last_resurrection_job_id ELSE holder.id END AS job_id,
    last_resurrection_job_id IS json_extract(wanted.value, '$[1]') AS is_new
FROM json_each(:replays) AS wanted
CROSS JOIN soniq_dead_letter_jobs AS letter ON letter.id = json_extract(wanted.value, '$[0]')
LEFT JOIN soniq_jobs AS holder
    ON holder.dedup_key = letter.dedup_key
    AND holder.dedup_key IS NOT NULL
    AND holder.status IN ('queued', 'processing')
WHERE is_new OR holder.id IS NOT NULL
ORDER BY wanted.key
