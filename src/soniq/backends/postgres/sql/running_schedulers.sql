SELECT id::text, hostname, pid, schedule_names
FROM soniq_schedulers
WHERE expires_at > clock_timestamp()
ORDER BY soniq_schedulers.id
