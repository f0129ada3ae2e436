SELECT id, hostname, pid, schedule_names FROM soniq_schedulers WHERE expires_at > :now ORDER BY id
