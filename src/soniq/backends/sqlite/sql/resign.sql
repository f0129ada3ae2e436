-- The row stays: its term goes on rising.
UPDATE soniq_leases SET expires_at = :now WHERE name = :name AND holder = :holder
