SELECT CAST(queue AS TEXT), CAST(status AS TEXT), count(*) FROM soniq_jobs GROUP BY queue, status
UNION ALL
SELECT CAST(queue AS TEXT), 'dead_letter', count(*) FROM soniq_dead_letter_jobs GROUP BY queue
