SELECT moved_to_dead_letter_at, CAST(attempts AS INTEGER)
FROM soniq_dead_letter_jobs
WHERE moved_to_dead_letter_at > :since
