-- $1..$9 the selection   $10 $11 time and id to go on after, or null   $12 limit   $13 offset
SELECT id::text, job_name, in_reach(moved_to_dead_letter_at) AS moved_at, resurrection_count
FROM soniq_dead_letter_jobs
WHERE
    -- include dead_letter_filter
    AND (
        $10::timestamptz IS NULL
        OR (moved_to_dead_letter_at, soniq_dead_letter_jobs.id) < ($10, $11::uuid)
    )
ORDER BY moved_to_dead_letter_at DESC, soniq_dead_letter_jobs.id DESC
LIMIT $12 OFFSET $13
