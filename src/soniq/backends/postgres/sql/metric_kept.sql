(
    -- No point is older than its row. Of rows that have older ones too, each point must tell.
    c.starts > extract(epoch FROM now()) - c.keep
    OR c.ends > extract(epoch FROM now()) - c.keep AND EXISTS (
        SELECT FROM jsonb_object_keys(c.points) AS point (start)
        CROSS JOIN (SELECT ($1::jsonb ->> c.resolution)::bigint AS seconds) AS bucket
        WHERE point.start::bigint
            > floor(extract(epoch FROM now()) / bucket.seconds) * bucket.seconds - c.keep
    )
)
