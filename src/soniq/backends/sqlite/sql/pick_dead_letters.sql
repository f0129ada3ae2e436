SELECT id, job_name, moved_to_dead_letter_at, resurrection_count
FROM soniq_dead_letter_jobs
WHERE
    (moved_to_dead_letter_at, id) < (:after_moved, :after_id)
    AND
    -- include dead_letter_filter
ORDER BY moved_to_dead_letter_at DESC, id DESC
LIMIT :limit OFFSET :offset
