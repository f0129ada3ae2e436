DELETE FROM soniq_schedules WHERE name = :name
