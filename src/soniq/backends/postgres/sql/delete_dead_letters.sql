-- $1 ids
WITH locked AS MATERIALIZED (
    SELECT id FROM soniq_dead_letter_jobs WHERE id = ANY ($1::uuid[]) ORDER BY id FOR UPDATE
)
DELETE FROM soniq_dead_letter_jobs
WHERE id = ANY (ARRAY(SELECT id FROM locked))
RETURNING id::text
