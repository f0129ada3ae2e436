-- $1 ids   $2 claim numbers   $3 results   $4 worker
WITH ending AS MATERIALIZED (
    SELECT * FROM unnest($1::uuid[], $2::int[], $3::text[]) AS e (id, claim, result)
),
locked AS MATERIALIZED (
    SELECT j.id, j.claim, j.status, j.worker_id
    FROM soniq_jobs AS j
    WHERE j.id = ANY ($1::uuid[])
    ORDER BY j.id
    FOR UPDATE
)
UPDATE soniq_jobs AS j
SET status = 'done',
    finished_at = now(),
    updated_at = now(),
    result = own.result::jsonb
FROM (
    SELECT e.id, e.result
    FROM locked AS l
    JOIN ending AS e ON e.id = l.id AND e.claim = l.claim
    WHERE l.status = 'processing' AND l.worker_id = $4::uuid
) AS own
WHERE j.id = own.id AND j.id = ANY ($1::uuid[])
RETURNING j.id::text
