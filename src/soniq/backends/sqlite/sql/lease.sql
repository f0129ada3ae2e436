INSERT INTO soniq_leases (name, holder, term, expires_at)
VALUES (:name, :holder, 1, :expires)
ON CONFLICT (name) DO UPDATE
SET holder = excluded.holder,
    term = term + (holder <> excluded.holder),
    expires_at = excluded.expires_at
WHERE holder = excluded.holder OR expires_at <= :now
