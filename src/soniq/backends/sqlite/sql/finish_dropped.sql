DELETE FROM soniq_jobs WHERE rowid IN (SELECT value FROM json_each(:rows))
