-- $1 id   $2 tags
UPDATE soniq_dead_letter_jobs
SET tags = coalesce(tags, '[]') || (
    SELECT coalesce(jsonb_agg(new.tag), '[]')
    FROM unnest($2::text[]) AS new (tag)
    WHERE NOT coalesce(tags, '[]') ? new.tag
)
WHERE id = $1::uuid
RETURNING id
