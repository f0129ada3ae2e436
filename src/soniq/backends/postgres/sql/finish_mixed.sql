-- $1 worker   $2 $3 $4 ids, claim numbers and results of done jobs   $5 $6 ids and claim numbers of done jobs
-- that are not kept   $7..$11 ids, claim numbers, delays, error texts (null for releases) and
-- attempts given back of jobs to run again   $12..$15 ids, claim numbers, reasons and error texts of
-- jobs to give up   $16 payload up to the lanes, or null
-- All are locked by their ids in order, then fenced as in `finish_done`.
WITH locked AS MATERIALIZED (
    SELECT FROM soniq_jobs
    WHERE id = ANY ($2::uuid[] || $5::uuid[] || $7::uuid[] || $12::uuid[])
    ORDER BY id
    FOR UPDATE
),
done AS (
    UPDATE soniq_jobs AS j
    SET status = 'done', finished_at = now(), updated_at = now(), result = ending.result::jsonb
    FROM unnest($2::uuid[], $3::int[], $4::text[]) AS ending (id, claim, result)
    WHERE (SELECT count(*) FROM locked) > 0
        AND j.id = ANY ($2::uuid[])
        -- include fenced
    RETURNING j.id
),
deleted AS (
    DELETE FROM soniq_jobs AS j
    USING unnest($5::uuid[], $6::int[]) AS ending (id, claim)
    WHERE (SELECT count(*) FROM locked) > 0
        AND j.id = ANY ($5::uuid[])
        -- include fenced
    RETURNING j.id
),
queued AS (
    UPDATE soniq_jobs AS j
    SET status = 'queued',
        attempts = j.attempts - ending.refund,
        scheduled_at = CASE
            WHEN ending.error IS NOT NULL THEN now() + ending.delay * interval '1 second'
            WHEN ending.delay > 0
                THEN greatest(j.scheduled_at, now() + ending.delay * interval '1 second')
            ELSE j.scheduled_at
        END,
        -- Who has run it knows its name: should it be unknown again, that time starts anew.
        unknown_since = CASE WHEN ending.error IS NULL THEN j.unknown_since END,
        last_error = coalesce(ending.error, j.last_error),
        updated_at = now()
    FROM unnest($7::uuid[], $8::int[], $9::float8[], $10::text[], $11::int[])
        AS ending (id, claim, delay, error, refund)
    WHERE (SELECT count(*) FROM locked) > 0
        AND j.id = ANY ($7::uuid[])
        -- include fenced
    RETURNING j.id, j.queue, j.priority, j.scheduled_at, j.crashes > 0 AS suspect
),
gone AS (
    DELETE FROM soniq_jobs AS j
    USING unnest($12::uuid[], $13::int[], $14::text[], $15::text[])
        AS ending (id, claim, reason, error)
    WHERE (SELECT count(*) FROM locked) > 0
        AND j.id = ANY ($12::uuid[])
        -- include fenced
    RETURNING
        j.id, j.job_name, j.args, j.queue, j.priority, j.max_attempts, j.attempts, j.crashes,
        j.dedup_key, ending.error, ending.reason, j.created_at
),
moved AS (
    INSERT INTO soniq_dead_letter_jobs (
        id, job_name, args, queue, priority, max_attempts, attempts, crashes, dedup_key,
        last_error, dead_letter_reason, original_created_at, moved_to_dead_letter_at
    )
    SELECT gone.*, now() FROM gone
    ON CONFLICT (id) DO NOTHING
),
lane AS (
    SELECT queue, priority, suspect, min(scheduled_at) AS due
    FROM queued
    GROUP BY queue, priority, suspect
),
lanes AS (
    SELECT json_agg(json_build_array(
        queue, priority, (extract(epoch FROM in_reach(due)) * 1000000)::bigint, NULL, suspect
    ))::text AS told
    FROM lane
)
SELECT
    ended.id::text, ended.queue, ended.priority, in_reach(scheduled_at) AS scheduled_at,
    ended.suspect, now() AS now,
    (
        SELECT count(pg_notify(
            'soniq_new_job',
            -- More lanes than fit are announced as no lane in particular.
            $16::text || CASE WHEN octet_length(told) < 7000 THEN told ELSE 'null' END
                || ',"now":' || (extract(epoch FROM now()) * 1000000)::bigint || '}'
        ))
        FROM lanes
        WHERE told IS NOT NULL AND $16::text IS NOT NULL
    ) AS notified
FROM (
    SELECT id, NULL AS queue, NULL::int AS priority, NULL::timestamptz AS scheduled_at,
        NULL::boolean AS suspect
    FROM done
    UNION ALL
    SELECT id, NULL, NULL, NULL, NULL FROM deleted
    UNION ALL
    SELECT id, NULL, NULL, NULL, NULL FROM gone
    UNION ALL
    SELECT * FROM queued
) AS ended
