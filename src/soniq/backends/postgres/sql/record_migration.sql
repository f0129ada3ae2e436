-- $1 version   $2 name   $3 checksum   $4 oldest version that can live with it
INSERT INTO soniq_migrations (version, name, checksum, compatible_with) VALUES ($1, $2, $3, $4)
