SELECT i.relname AS name, x.indisvalid AND x.indisready AS valid
FROM pg_index AS x
JOIN pg_class AS i ON i.oid = x.indexrelid
WHERE x.indrelid = to_regclass($1)
