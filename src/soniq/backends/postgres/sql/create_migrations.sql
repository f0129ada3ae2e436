CREATE TABLE IF NOT EXISTS soniq_migrations (
    version integer NOT NULL CONSTRAINT soniq_migrations_pkey PRIMARY KEY,
    name text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    checksum text NOT NULL,
    compatible_with integer NOT NULL
)
