SELECT
    m.tbl_name, sum(d.pgsize), sum(iif(m.type = 'table', d.pgsize, 0)),
    sum(iif(m.type = 'index', d.pgsize, 0))
FROM dbstat AS d
JOIN sqlite_master AS m ON m.name = d.name
WHERE d.aggregate = 1
    AND (m.tbl_name LIKE 'soniq\_%' ESCAPE '\' OR m.tbl_name IN (SELECT value FROM json_each(:tables)))
GROUP BY m.tbl_name
ORDER BY m.tbl_name
