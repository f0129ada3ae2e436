DELETE FROM soniq_metric_chunks
WHERE rowid IN (SELECT rowid FROM soniq_metric_chunks WHERE ends <= :now - keep LIMIT :limit)
