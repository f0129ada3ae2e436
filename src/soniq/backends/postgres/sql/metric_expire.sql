DELETE FROM soniq_metric_chunks
WHERE ctid = ANY (ARRAY(
    SELECT c.ctid FROM soniq_metric_chunks AS c
    WHERE NOT
    -- include metric_kept
    LIMIT $2
    FOR UPDATE SKIP LOCKED
))
RETURNING 1
