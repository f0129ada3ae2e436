-- $1 ids
SELECT FROM soniq_jobs WHERE id = ANY ($1::uuid[]) ORDER BY id FOR UPDATE
