-- $1..$11 the columns of the new jobs   $12 payload up to the time, or null
-- Ids and documents travel as text: the connection may be a user's, with codecs of their own.
WITH stored AS (
    -- include insert_rows
    ON CONFLICT (id) DO NOTHING
)
SELECT
    now() AS now,
    (
        SELECT count(pg_notify(
            'soniq_new_job', $12::text || (extract(epoch FROM now()) * 1000000)::bigint || '}'
        ))
        WHERE $12::text IS NOT NULL
    )
