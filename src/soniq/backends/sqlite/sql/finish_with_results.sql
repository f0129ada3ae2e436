UPDATE soniq_jobs
SET status = 'done', finished_at = :now, updated_at = :now, result = json_extract(ended.value, '$[1]')
FROM json_each(:endings) AS ended
WHERE soniq_jobs.rowid = json_extract(ended.value, '$[0]')
