-- Like `insert`, for jobs with keys, sorted by them: the ids of those that were stored.
-- include insert_rows
ON CONFLICT DO NOTHING
RETURNING id::text, now() AS now
