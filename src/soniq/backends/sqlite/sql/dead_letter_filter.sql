    (:job_names IS NULL OR EXISTS (
        SELECT 1 FROM json_each(:job_names) AS glob WHERE soniq_matches(glob.value, job_name)
    ))
    AND (:queues IS NULL OR queue IN (SELECT value FROM json_each(:queues)))
    AND (:reasons IS NULL OR dead_letter_reason IN (SELECT value FROM json_each(:reasons)))
    AND (:date_from IS NULL OR moved_to_dead_letter_at >= :date_from)
    AND (:date_to IS NULL OR moved_to_dead_letter_at <= :date_to)
    AND (:tags IS NULL OR EXISTS (
        SELECT 1 FROM json_each(coalesce(tags, '[]')) AS tag
        WHERE tag.value IN (SELECT value FROM json_each(:tags))
    ))
    AND (:resurrected IS NULL OR (resurrection_count > 0) = :resurrected)
    AND (:moved_before IS NULL OR moved_to_dead_letter_at <= :moved_before)
    AND (:moved_since IS NULL OR moved_to_dead_letter_at >= :moved_since)
