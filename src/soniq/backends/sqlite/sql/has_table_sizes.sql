-- Some systems leave it out of their SQLite.
SELECT 1 FROM pragma_module_list WHERE name = 'dbstat'
