DELETE FROM soniq_metric_chunks
WHERE rowid IN (
    SELECT c.rowid FROM soniq_metric_chunks AS c
    WHERE NOT
    -- include metric_kept
    LIMIT :limit
)
