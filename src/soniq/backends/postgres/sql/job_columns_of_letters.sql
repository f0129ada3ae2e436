    id::text, job_name, args, 'dead_letter' AS status, queue, priority, attempts, max_attempts,
    crashes, dedup_key, NULL AS scheduled_at, in_reach(original_created_at) AS created_at,
    NULL AS started_at, NULL AS finished_at, in_reach(moved_to_dead_letter_at) AS updated_at,
    last_error, NULL AS result, NULL AS worker_id, NULL AS producer_id, dead_letter_reason
