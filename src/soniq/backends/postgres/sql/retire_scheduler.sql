DELETE FROM soniq_schedulers WHERE id = $1::text::uuid OR expires_at <= clock_timestamp()
