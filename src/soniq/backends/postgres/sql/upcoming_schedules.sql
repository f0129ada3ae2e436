-- One row at least, for the time.
SELECT clock_timestamp() AS now, upcoming.*
FROM (VALUES (1)) AS always
LEFT JOIN (
    SELECT
    -- include schedule_columns
    FROM soniq_schedules WHERE status = 'active' ORDER BY soniq_schedules.fires_at, soniq_schedules.id LIMIT $1
) AS upcoming ON true
ORDER BY upcoming.fires_at, upcoming.id
