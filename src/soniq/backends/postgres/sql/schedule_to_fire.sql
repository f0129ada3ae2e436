-- $1 id   $2 version   $3 due time, both as seen, or null for a run at any time
SELECT schedule.last_job_id::text, EXISTS (
    SELECT FROM soniq_jobs AS job
    WHERE job.id = schedule.last_job_id AND job.status IN ('queued', 'processing')
) AS live
FROM soniq_schedules AS schedule
WHERE schedule.id = $1::text::uuid
    AND (
        $2::bigint IS NULL
        OR (schedule.version = $2 AND schedule.next_run = $3 AND schedule.status = 'active')
    )
FOR UPDATE
