DELETE FROM soniq_schedules WHERE name = $1 RETURNING 1
