UPDATE soniq_dead_letter_jobs
SET
    resurrection_count = resurrection_count + 1,
    last_resurrection_at = :now,
    last_resurrection_job_id = json_extract(wanted.value, '$[1]')
FROM json_each(:replays) AS wanted
WHERE
    soniq_dead_letter_jobs.id = json_extract(wanted.value, '$[0]')
    AND last_resurrection_job_id IS NOT json_extract(wanted.value, '$[1]')
    AND EXISTS (SELECT 1 FROM soniq_jobs WHERE id = json_extract(wanted.value, '$[1]'))
