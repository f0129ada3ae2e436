-- $1 ids   $2 claim numbers   $3 worker: done jobs that are not kept
WITH ending AS MATERIALIZED (
    SELECT * FROM unnest($1::uuid[], $2::int[]) AS e (id, claim)
),
locked AS MATERIALIZED (
    SELECT j.id, j.claim, j.status, j.worker_id
    FROM soniq_jobs AS j
    WHERE j.id = ANY ($1::uuid[])
    ORDER BY j.id
    FOR UPDATE
)
DELETE FROM soniq_jobs AS j
WHERE j.id = ANY (ARRAY(
    SELECT l.id
    FROM locked AS l
    JOIN ending AS e ON e.id = l.id AND e.claim = l.claim
    WHERE l.status = 'processing' AND l.worker_id = $3::uuid
))
RETURNING j.id::text
