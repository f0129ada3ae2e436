SELECT id, status, result, last_error, NULL AS dead_letter_reason
FROM soniq_jobs
WHERE id IN (SELECT value FROM json_each(:ids))
UNION ALL
SELECT id, 'dead_letter', NULL, last_error, dead_letter_reason
FROM soniq_dead_letter_jobs
WHERE id IN (SELECT value FROM json_each(:ids))
