-- $1 name   $2 checksum   $3 oldest version of the plugin that can live with it
-- The versions of plugins only keep their rows apart, from each other's and from Soniq's own.
INSERT INTO soniq_migrations (version, name, checksum, compatible_with)
SELECT least(min(version), 0) - 1, $1, $2, $3 FROM soniq_migrations
