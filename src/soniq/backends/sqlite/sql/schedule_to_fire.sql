SELECT last_job_id, EXISTS (
    SELECT 1 FROM soniq_jobs
    WHERE soniq_jobs.id = last_job_id AND soniq_jobs.status IN ('queued', 'processing')
)
FROM soniq_schedules
WHERE id = :id
    AND (:version IS NULL OR (version = :version AND next_run = :next_run AND status = 'active'))
