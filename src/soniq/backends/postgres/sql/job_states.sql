-- $1 ids
SELECT id::text, status, result, last_error, NULL AS dead_letter_reason
FROM soniq_jobs
WHERE id = ANY ($1::uuid[])
UNION ALL
SELECT id::text, 'dead_letter', NULL, last_error, dead_letter_reason
FROM soniq_dead_letter_jobs
WHERE id = ANY ($1::uuid[])
