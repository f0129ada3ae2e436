SELECT relnamespace::regnamespace::text FROM pg_class WHERE oid = 'soniq_jobs'::regclass
