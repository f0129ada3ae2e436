DELETE FROM soniq_metric_chunks
WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM soniq_metric_chunks
    WHERE ends <= extract(epoch FROM now()) - keep
    LIMIT $1
    FOR UPDATE SKIP LOCKED
))
RETURNING 1
