SELECT last_job_id, EXISTS (
    SELECT 1 FROM soniq_jobs
    WHERE soniq_jobs.id = last_job_id AND soniq_jobs.status IN ('queued', 'processing')
)
FROM soniq_schedules
WHERE id = :id
    AND (
        :version IS NULL
        OR (
            version = :version AND status = 'active'
            -- What somebody has spelt otherwise was read as well as possible; the firing mends it.
            AND (next_run = :next_run OR next_run NOT GLOB '????-??-??T??:??:??.??????Z')
        )
    )
