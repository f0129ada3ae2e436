-- For a day they tell what of a lost answer was stored.
DELETE FROM soniq_metric_sessions AS s
WHERE s.ended AND s.synced_at < clock_timestamp() - interval '1 day'
    AND NOT EXISTS (SELECT FROM soniq_metric_chunks AS c WHERE c.session_id = s.id)
