DELETE FROM soniq_audit
WHERE id IN (SELECT id FROM soniq_audit WHERE at < :before ORDER BY at LIMIT 100)
