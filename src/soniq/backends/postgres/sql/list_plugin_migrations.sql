SELECT name, compatible_with FROM soniq_migrations WHERE version < 0
