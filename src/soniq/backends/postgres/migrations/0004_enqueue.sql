-- An enqueue for triggers and for other languages: what it lets through, and what it makes of what
-- is left out or null, is what Soniq does for a name that is not registered. The name, the key and
-- the wake-up are those of the caller's transaction.
-- A dump that was restored without the tables has left the function alone.
CREATE OR REPLACE FUNCTION soniq_enqueue(
    job_name text,
    args jsonb DEFAULT '{}',
    queue text DEFAULT 'default',
    priority integer DEFAULT 100,
    scheduled_at timestamptz DEFAULT NULL,
    dedup_key text DEFAULT NULL
) RETURNS text
LANGUAGE plpgsql
-- A trigger runs with the search path of whoever set it off.
SET search_path FROM CURRENT
AS $function$
#variable_conflict use_column
DECLARE
    wanted_name CONSTANT text := job_name;
    wanted_args CONSTANT jsonb := coalesce(args, '{}');
    wanted_queue CONSTANT text := coalesce(queue, 'default');
    wanted_priority CONSTANT integer := coalesce(priority, 100);
    wanted_time CONSTANT timestamptz := coalesce(scheduled_at, now());
    wanted_key CONSTANT text := dedup_key;
    max_args_bytes CONSTANT integer := 1048576;
    -- Three retries after the first attempt.
    attempts_allowed CONSTANT integer := 4;
    -- Ids in the order of their making (RFC 9562, version 7) keep the index compact.
    random_part CONSTANT text := translate(gen_random_uuid()::text, '-', '');
    new_id CONSTANT uuid := (
        lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0')
        || '7' || substr(random_part, 14)
    )::uuid;
    stored_id uuid;
BEGIN
    IF wanted_name IS NULL OR wanted_name !~ '^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$' THEN
        RAISE EXCEPTION '% is not the name of a job', quote_nullable(wanted_name)
            USING ERRCODE = 'invalid_parameter_value',
                HINT = 'Names are lower case words joined by dots, such as mail.send_receipt.';
    END IF;
    IF jsonb_typeof(wanted_args) <> 'object' THEN
        RAISE EXCEPTION 'args must be a JSON object, got %', jsonb_typeof(wanted_args)
            USING ERRCODE = 'invalid_parameter_value',
                HINT = 'Name each argument: jsonb_build_object(''user_id'', 42).';
    END IF;
    IF octet_length(wanted_args::text) > max_args_bytes THEN
        RAISE EXCEPTION 'args take % bytes, and at most % are allowed',
            octet_length(wanted_args::text), max_args_bytes
            USING ERRCODE = 'invalid_parameter_value',
                HINT = 'Store the data in a table and give the job its key.';
    END IF;
    IF char_length(wanted_queue) NOT BETWEEN 1 AND 128 THEN
        RAISE EXCEPTION 'queue must have 1 to 128 characters, got %',
            char_length(wanted_queue)
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF wanted_priority NOT BETWEEN 1 AND 1000 THEN
        RAISE EXCEPTION 'priority must be from 1 to 1000 (lower runs first), got %',
            wanted_priority
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    -- What a worker written in Python can read.
    IF wanted_time NOT BETWEEN '0001-01-01 00:00+00' AND '9999-12-31 23:59:59.999999+00' THEN
        RAISE EXCEPTION 'scheduled_at must be in the years 1 to 9999, got %', wanted_time
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF char_length(wanted_key) NOT BETWEEN 1 AND 512 THEN
        RAISE EXCEPTION 'dedup_key must have 1 to 512 characters, got %',
            char_length(wanted_key)
            USING ERRCODE = 'invalid_parameter_value';
    END IF;

    FOR round IN 1..20 LOOP
        INSERT INTO soniq_jobs (
            id, job_name, args, queue, priority, max_attempts, dedup_key, scheduled_at,
            producer_id, created_at, updated_at
        )
        VALUES (
            new_id, wanted_name, wanted_args, wanted_queue, wanted_priority, attempts_allowed,
            wanted_key, wanted_time, 'sql:' || session_user, now(), now()
        )
        ON CONFLICT DO NOTHING
        RETURNING id INTO stored_id;
        IF stored_id IS NOT NULL THEN
            PERFORM pg_notify(
                'soniq_new_job',
                jsonb_build_object(
                    'schema', (
                        SELECT relnamespace::regnamespace::text
                        FROM pg_class
                        WHERE oid = 'soniq_jobs'::regclass
                    ),
                    'origin', NULL,
                    'lanes', jsonb_build_array(jsonb_build_array(
                        wanted_queue, wanted_priority,
                        (extract(epoch FROM wanted_time) * 1000000)::bigint, NULL, false
                    )),
                    'now', (extract(epoch FROM now()) * 1000000)::bigint
                )::text
            );
            RETURN stored_id::text;
        END IF;

        SELECT id INTO stored_id
        FROM soniq_jobs
        WHERE dedup_key = wanted_key AND status IN ('queued', 'processing');
        IF stored_id IS NOT NULL THEN
            RETURN stored_id::text;
        END IF;
    END LOOP;
    RAISE EXCEPTION 'dedup_key % changed hands again and again; nothing was stored',
        quote_literal(wanted_key)
        USING ERRCODE = 'serialization_failure', HINT = 'Repeat the transaction.';
END
$function$;
