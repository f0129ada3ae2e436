-- $1 percent; the numbers are those of the sample
-- include name_columns
FROM soniq_jobs TABLESAMPLE SYSTEM ($1) REPEATABLE (1)
GROUP BY job_name
