SELECT
    -- include schedule_columns
FROM soniq_schedules WHERE status = 'active' ORDER BY fires_at, id LIMIT :limit
