        ($4::text IS NULL OR queue = $4) AND ($5::text IS NULL OR status = $5)
        AND ($6::text IS NULL OR job_name = $6)
        AND (
            $7::text IS NULL OR job_name ILIKE $7 OR queue ILIKE $7 OR id::text ILIKE $7
            -- Long ones are not unpacked for it.
            OR CASE WHEN pg_column_size(args) <= 8192 THEN args::text ILIKE $7 ELSE false END
        ) AS matches
