SELECT version, compatible_with FROM soniq_migrations WHERE version > 0 ORDER BY version
