-- $1 ids
SELECT
    id::text, job_name, args, queue, priority, max_attempts, attempts, crashes, last_error,
    dead_letter_reason, in_reach(original_created_at) AS original_created_at,
    in_reach(moved_to_dead_letter_at) AS moved_to_dead_letter_at, resurrection_count,
    in_reach(last_resurrection_at) AS last_resurrection_at, tags, dedup_key, last_resurrection_job_id::text
FROM soniq_dead_letter_jobs
WHERE id = ANY ($1::uuid[])
