-- $1 ids   $2 claim numbers   $3 results   $4 worker
-- The rows are locked by their ids in order, then fenced as they are once locked. The fence is
-- worded so that no index on the state of rows answers it, for under an old transaction these are
-- full of dead entries; nor does the planner take it for rare, which would cost it the hash join.
WITH locked AS MATERIALIZED (
    SELECT FROM soniq_jobs WHERE id = ANY ($1::uuid[]) ORDER BY id FOR UPDATE
)
UPDATE soniq_jobs AS j
SET status = 'done',
    finished_at = now(),
    updated_at = now(),
    result = ending.result::jsonb
FROM unnest($1::uuid[], $2::int[], $3::text[]) AS ending (id, claim, result)
WHERE (SELECT count(*) FROM locked) > 0
    AND j.id = ANY ($1::uuid[])
    AND j.id = ending.id
    AND j.claim = ending.claim
    AND CASE WHEN j.status = 'processing' THEN j.worker_id = $4::uuid ELSE false END
RETURNING j.id::text
