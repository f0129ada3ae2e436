DELETE FROM soniq_dead_letter_jobs
WHERE rowid IN (
    SELECT rowid FROM soniq_dead_letter_jobs
    WHERE moved_to_dead_letter_at <= :cutoff
    ORDER BY moved_to_dead_letter_at
    LIMIT :limit
)
