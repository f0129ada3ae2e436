-- $1 name   $2 holder
UPDATE soniq_leases SET holder = '', expires_at = now() WHERE name = $1 AND holder = $2
