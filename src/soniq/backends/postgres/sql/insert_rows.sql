INSERT INTO soniq_jobs (
    id, job_name, args, queue, priority, max_attempts, dedup_key, scheduled_at, producer_id,
    trace, created_at, updated_at
)
SELECT
    job.id::uuid, job.job_name, job.args::jsonb, job.queue, job.priority, job.max_attempts,
    job.dedup_key, coalesce(job.scheduled_at, now() + job.delay * interval '1 second'),
    job.producer_id, job.trace, now(), now()
FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::int[], $6::int[], $7::text[],
    $8::timestamptz[], $9::float8[], $10::text[], $11::text[]
) AS job (
    id, job_name, args, queue, priority, max_attempts, dedup_key, scheduled_at, delay,
    producer_id, trace
)
-- What an earlier call stored, whose answer was lost, may have been given up meanwhile.
WHERE job.id::uuid <> ALL (ARRAY(
    SELECT id FROM soniq_dead_letter_jobs WHERE id = ANY ($1::text[]::uuid[])
))
