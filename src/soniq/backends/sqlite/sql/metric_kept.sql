(
    -- No point is older than its row. Of rows that have older ones too, each point must tell.
    c.starts > :now - c.keep
    OR c.ends > :now - c.keep AND EXISTS (
        SELECT 1 FROM json_each(CASE WHEN json_valid(c.points) THEN c.points ELSE '{}' END) AS point
        WHERE CAST(point.key AS INTEGER)
            > json_extract(:open, '$."' || c.resolution || '"') - c.keep
    )
)
