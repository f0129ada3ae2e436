-- Replays are [dead letter, new job, how often it may have been replayed or null].
INSERT INTO soniq_jobs (
    id, job_name, status, queue, priority, attempts, max_attempts, dedup_key, scheduled_at,
    created_at, updated_at, producer_id, args
)
SELECT
    json_extract(wanted.value, '$[1]'), job_name, 'queued', coalesce(:queue, queue),
    coalesce(:priority, priority),
    CASE WHEN :reset_attempts THEN 0
        ELSE min(attempts, coalesce(:max_attempts, max_attempts) - 1) END,
    coalesce(:max_attempts, max_attempts), dedup_key, :now, :now, :now, :producer_id, args
FROM json_each(:replays) AS wanted
CROSS JOIN soniq_dead_letter_jobs AS letter ON letter.id = json_extract(wanted.value, '$[0]')
WHERE
    last_resurrection_job_id IS NOT json_extract(wanted.value, '$[1]')
    AND coalesce(json_extract(wanted.value, '$[2]'), resurrection_count) = resurrection_count
ON CONFLICT DO NOTHING
