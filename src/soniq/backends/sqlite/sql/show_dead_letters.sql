SELECT
    letter.id, job_name, args, queue, priority, max_attempts, attempts, crashes, last_error,
    dead_letter_reason, original_created_at, moved_to_dead_letter_at, resurrection_count,
    last_resurrection_at, tags, dedup_key, last_resurrection_job_id
FROM json_each(:ids) AS wanted
CROSS JOIN soniq_dead_letter_jobs AS letter ON letter.id = wanted.value
ORDER BY wanted.key
