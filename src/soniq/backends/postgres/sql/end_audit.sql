-- $1 id   $2 detail
UPDATE soniq_audit SET detail = $2 WHERE id = $1::uuid
