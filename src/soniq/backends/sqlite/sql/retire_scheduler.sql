DELETE FROM soniq_schedulers WHERE id = :id OR expires_at <= :now
