-- $1 ids: what each job shows of its last claim and its end
SELECT id::text, status, claim, worker_id::text, last_error, NULL AS reason
FROM soniq_jobs
WHERE id = ANY ($1::uuid[])
UNION ALL
SELECT id::text, 'dead_letter', NULL, NULL, last_error, dead_letter_reason
FROM soniq_dead_letter_jobs
WHERE id = ANY ($1::uuid[])
