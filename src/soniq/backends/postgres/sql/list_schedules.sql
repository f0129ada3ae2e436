SELECT
    -- include schedule_columns
FROM soniq_schedules ORDER BY name COLLATE "C" LIMIT $1
