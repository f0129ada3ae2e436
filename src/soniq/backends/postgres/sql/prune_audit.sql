DELETE FROM soniq_audit
WHERE id IN (
    SELECT id FROM soniq_audit WHERE at < now() - interval '1 year'
    ORDER BY at, soniq_audit.id LIMIT 100 FOR UPDATE SKIP LOCKED
)
