-- $1 ids   $2 claim numbers   $3 worker: done jobs that are not kept; fenced like `finish_done`
WITH locked AS MATERIALIZED (
    SELECT FROM soniq_jobs WHERE id = ANY ($1::uuid[]) ORDER BY id FOR UPDATE
)
DELETE FROM soniq_jobs AS j
USING unnest($1::uuid[], $2::int[]) AS ending (id, claim)
WHERE (SELECT count(*) FROM locked) > 0
    AND j.id = ANY ($1::uuid[])
    AND j.id = ending.id
    AND j.claim = ending.claim
    AND CASE WHEN j.status = 'processing' THEN j.worker_id = $3::uuid ELSE false END
RETURNING j.id::text
