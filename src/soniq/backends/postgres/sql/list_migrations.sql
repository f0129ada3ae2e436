SELECT version, compatible_with FROM soniq_migrations ORDER BY version
