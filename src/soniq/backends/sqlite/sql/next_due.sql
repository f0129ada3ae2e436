-- When the first job that is not due yet will be, over lanes given as [[queue, priority], ...].
SELECT min((
    SELECT scheduled_at FROM soniq_jobs INDEXED BY soniq_jobs_claim
    WHERE status = 'queued' AND crashes = 0
        AND queue = json_extract(lane.value, '$[0]')
        AND priority = json_extract(lane.value, '$[1]')
        AND scheduled_at > :now
        AND (:without = '[]' OR job_name NOT IN (SELECT value FROM json_each(:without)))
    ORDER BY scheduled_at
    LIMIT 1
))
FROM json_each(:lanes) AS lane
