-- $1 id   $2 actor   $3 action   $4 target   $5 address   $6 detail
INSERT INTO soniq_audit (id, actor, action, target, address, detail)
VALUES ($1::uuid, $2, $3, $4, $5, $6)
ON CONFLICT DO NOTHING
