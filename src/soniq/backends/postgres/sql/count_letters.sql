SELECT queue::text, count(*) AS jobs FROM soniq_dead_letter_jobs GROUP BY queue
