-- $1 name   $2 holder   $3 life in seconds: a row when the lease is the holder's
INSERT INTO soniq_leases AS lease (name, holder, term, expires_at)
VALUES ($1, $2, 1, clock_timestamp() + $3::float8 * interval '1 second')
ON CONFLICT (name) DO UPDATE
SET holder = excluded.holder,
    term = lease.term + CASE WHEN lease.holder = excluded.holder THEN 0 ELSE 1 END,
    expires_at = excluded.expires_at
WHERE lease.holder = excluded.holder OR lease.expires_at <= clock_timestamp()
RETURNING term
