-- $1 id   $2 note or null   $3 characters kept
WITH gone AS (
    DELETE FROM soniq_jobs
    WHERE id = $1::uuid AND status IN ('queued', 'processing')
    RETURNING
        id, job_name, args, queue, priority, max_attempts, attempts, crashes, dedup_key,
        nullif(left(concat_ws(E'\n', $2::text, last_error), $3::int), ''), created_at
)
INSERT INTO soniq_dead_letter_jobs (
    id, job_name, args, queue, priority, max_attempts, attempts, crashes, dedup_key, last_error,
    original_created_at, dead_letter_reason, moved_to_dead_letter_at
)
SELECT gone.*, 'manual', now() FROM gone
RETURNING id
