-- A row when something is processing under no live worker; where to look is told in `recover`.
WITH fence AS MATERIALIZED (
    SELECT id FROM soniq_workers WHERE status <> 'stopped'
    UNION ALL
    SELECT '00000000-0000-0000-0000-000000000000'
),
gap AS MATERIALIZED (
    SELECT
        id AS low,
        coalesce(
            lead(id) OVER (ORDER BY id), 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid
        ) AS high
    FROM fence
)
SELECT held.id
FROM gap
CROSS JOIN LATERAL (
    SELECT id
    FROM soniq_jobs
    WHERE status = 'processing' AND worker_id > gap.low AND worker_id < gap.high
    LIMIT 1
) AS held
UNION ALL
SELECT id FROM soniq_jobs WHERE status = 'processing' AND worker_id IS NULL
LIMIT 1
