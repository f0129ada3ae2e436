-- $1..$9 the selection
SELECT count(*)
FROM soniq_dead_letter_jobs
WHERE
    -- include dead_letter_filter
