        (:queue IS NULL OR queue = :queue) AND (:status IS NULL OR status = :status)
        AND (:job_name IS NULL OR job_name = :job_name)
        AND (
            :text IS NULL OR job_name LIKE :text ESCAPE '\' OR queue LIKE :text ESCAPE '\'
            OR id LIKE :text ESCAPE '\'
            -- Long ones are not read for it.
            OR (length(args) <= 8192 AND args LIKE :text ESCAPE '\')
        ) AS matches
