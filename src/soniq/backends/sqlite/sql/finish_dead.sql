-- Endings are [row, reason, error]. The rows themselves go by a second statement.
INSERT OR REPLACE INTO soniq_dead_letter_jobs (
    id, job_name, queue, priority, max_attempts, attempts, crashes, dedup_key, dead_letter_reason,
    original_created_at, moved_to_dead_letter_at, created_at, last_error, args
)
SELECT
    job.id, job_name, queue, priority, max_attempts, attempts, crashes, dedup_key,
    json_extract(ended.value, '$[1]'), created_at, :now, :now,
    json_extract(ended.value, '$[2]'), args
FROM json_each(:endings) AS ended
CROSS JOIN soniq_jobs AS job ON job.rowid = json_extract(ended.value, '$[0]')
