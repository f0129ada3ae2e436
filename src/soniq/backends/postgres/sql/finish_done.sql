-- $1 worker   $2 ids   $3 claim numbers   $4 results
-- The rows are locked by their ids in order, then fenced as they are once locked.
WITH locked AS MATERIALIZED (
    SELECT FROM soniq_jobs WHERE id = ANY ($2::uuid[]) ORDER BY id FOR UPDATE
)
UPDATE soniq_jobs AS j
SET status = 'done',
    finished_at = now(),
    updated_at = now(),
    result = ending.result::jsonb
FROM unnest($2::uuid[], $3::int[], $4::text[]) AS ending (id, claim, result)
WHERE (SELECT count(*) FROM locked) > 0
    AND j.id = ANY ($2::uuid[])
    -- include fenced
RETURNING j.id::text
