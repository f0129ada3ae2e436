SELECT rowid, last_error FROM soniq_jobs WHERE id = :id AND status IN ('queued', 'processing')
