SELECT id, at, actor, action, target, address, detail
FROM soniq_audit
WHERE (at, id) < (:at, :id)
ORDER BY at DESC, id DESC
LIMIT :limit
