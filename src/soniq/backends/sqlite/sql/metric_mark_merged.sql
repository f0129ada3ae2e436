UPDATE soniq_metric_chunks SET merged = 1
WHERE session_id = ? AND metric_key = ? AND metric_type = ? AND resolution = ? AND starts = ?
