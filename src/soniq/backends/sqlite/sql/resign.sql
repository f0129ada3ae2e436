-- The row stays: its term goes on rising.
UPDATE soniq_leases SET holder = '', expires_at = :now WHERE name = :name AND holder = :holder
