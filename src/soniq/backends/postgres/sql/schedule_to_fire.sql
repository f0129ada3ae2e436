-- $1 id   $2 version   $3 due time, both as seen, or null for a run at any time
SELECT schedule.last_job_id::text, EXISTS (
    SELECT FROM soniq_jobs AS job
    WHERE job.id = schedule.last_job_id AND job.status IN ('queued', 'processing')
) AS live
FROM soniq_schedules AS schedule
WHERE schedule.id = $1::text::uuid
    AND (
        $2::bigint IS NULL
        OR (
            schedule.version = $2 AND schedule.status = 'active'
            -- As it was read; the driver writes the ends of the calendar as infinity.
            AND in_reach(next_run) = in_reach($3::timestamptz)
        )
    )
FOR UPDATE
