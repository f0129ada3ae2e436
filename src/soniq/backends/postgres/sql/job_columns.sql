    id::text, job_name, args, status, queue, priority, attempts, max_attempts, crashes, dedup_key,
    in_reach(scheduled_at) AS scheduled_at, in_reach(created_at) AS created_at,
    in_reach(started_at) AS started_at, in_reach(finished_at) AS finished_at,
    in_reach(updated_at) AS updated_at, last_error, result, worker_id::text, producer_id,
    NULL AS dead_letter_reason
