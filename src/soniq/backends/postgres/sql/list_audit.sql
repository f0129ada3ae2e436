-- $1 $2 time and id to go on after, or null   $3 limit
SELECT id::text, at, actor, action, target, address, detail
FROM soniq_audit
WHERE $1::timestamptz IS NULL OR (at, soniq_audit.id) < ($1, $2::uuid)
ORDER BY at DESC, soniq_audit.id DESC
LIMIT $3
