-- $1 ids
SELECT FROM soniq_dead_letter_jobs WHERE id = ANY ($1::uuid[]) ORDER BY id FOR UPDATE
