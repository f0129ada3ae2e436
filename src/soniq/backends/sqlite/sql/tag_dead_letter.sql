UPDATE soniq_dead_letter_jobs SET tags = :tags WHERE id = :id
