-- $1 ids   $2 arguments   $3..$10 what all the jobs have in common   $11 payload up to the time, or
-- null. Like `insert`, without sending the same name and queue for every row, and without room for
-- ids that are stored already.
WITH stored AS (
    INSERT INTO soniq_jobs (
        id, args, job_name, queue, priority, max_attempts, scheduled_at, producer_id,
        trace, created_at, updated_at
    )
    SELECT
        job.id::uuid, job.args::jsonb, $3::text, $4::text, $5::int, $6::int,
        coalesce($7::timestamptz, now() + $8::float8 * interval '1 second'), $9::text,
        $10::text, now(), now()
    FROM unnest($1::text[], $2::text[]) AS job (id, args)
)
SELECT
    now() AS now,
    (
        SELECT count(pg_notify(
            'soniq_new_job', $11::text || (extract(epoch FROM now()) * 1000000)::bigint || '}'
        ))
        WHERE $11::text IS NOT NULL
    )
