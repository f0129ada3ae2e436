SELECT 1 FROM soniq_leases WHERE name = :name AND holder <> :holder AND expires_at > :now
