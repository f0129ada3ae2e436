-- include name_columns
FROM soniq_jobs
GROUP BY job_name
