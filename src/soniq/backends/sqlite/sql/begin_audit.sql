INSERT INTO soniq_audit (id, at, actor, action, target, address, detail)
VALUES (:id, :at, :actor, :action, :target, :address, :detail)
