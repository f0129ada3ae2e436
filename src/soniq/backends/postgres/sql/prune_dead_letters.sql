-- $1 seconds kept   $2 limit
WITH over AS MATERIALIZED (
    SELECT id
    FROM soniq_dead_letter_jobs
    WHERE moved_to_dead_letter_at <= now() - $1::float8 * interval '1 second'
    ORDER BY moved_to_dead_letter_at
    LIMIT $2
),
locked AS MATERIALIZED (
    SELECT id
    FROM soniq_dead_letter_jobs
    WHERE id = ANY (ARRAY(SELECT id FROM over))
    ORDER BY id
    FOR UPDATE SKIP LOCKED
)
DELETE FROM soniq_dead_letter_jobs
WHERE id = ANY (ARRAY(SELECT id FROM locked))
RETURNING id
