SELECT count(*), total(version), max(updated_at), (SELECT count(*) FROM soniq_schedulers)
FROM soniq_schedules
