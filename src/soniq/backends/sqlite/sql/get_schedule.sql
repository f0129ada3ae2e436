SELECT
    -- include schedule_columns
FROM soniq_schedules WHERE name = :name
