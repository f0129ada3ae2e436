-- $1 payload up to the time
SELECT pg_notify(
    'soniq_new_job', $1::text || (extract(epoch FROM now()) * 1000000)::bigint || '}'
)
