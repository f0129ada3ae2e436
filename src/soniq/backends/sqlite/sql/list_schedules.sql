SELECT
    -- include schedule_columns
FROM soniq_schedules ORDER BY name LIMIT :limit
