SELECT count(*) FROM soniq_dead_letter_jobs
