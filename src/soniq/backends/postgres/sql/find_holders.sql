-- $1 ids   $2 keys: jobs already stored under these ids, dead
-- letters included, and the live jobs that hold these keys
SELECT id::text, NULL AS dedup_key FROM soniq_jobs WHERE id = ANY ($1::text[]::uuid[])
UNION ALL
SELECT id::text, NULL FROM soniq_dead_letter_jobs WHERE id = ANY ($1::text[]::uuid[])
UNION ALL
SELECT id::text, dedup_key
FROM soniq_jobs
WHERE dedup_key = ANY ($2::text[]) AND dedup_key IS NOT NULL
    AND status IN ('queued', 'processing')
