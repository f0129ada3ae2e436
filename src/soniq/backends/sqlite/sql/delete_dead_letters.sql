DELETE FROM soniq_dead_letter_jobs WHERE id IN (SELECT value FROM json_each(:ids))
