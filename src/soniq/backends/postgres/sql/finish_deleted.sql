-- $1 worker   $2 ids   $3 claim numbers: done jobs that are not kept; fenced like `finish_done`
WITH locked AS MATERIALIZED (
    SELECT FROM soniq_jobs WHERE id = ANY ($2::uuid[]) ORDER BY id FOR UPDATE
)
DELETE FROM soniq_jobs AS j
USING unnest($2::uuid[], $3::int[]) AS ending (id, claim)
WHERE (SELECT count(*) FROM locked) > 0
    AND j.id = ANY ($2::uuid[])
    -- include fenced
RETURNING j.id::text
