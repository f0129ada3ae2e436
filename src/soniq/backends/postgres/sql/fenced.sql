        -- Only $1, the worker whose claim has this number, may end it. So worded that no index on the
        -- state of rows answers it, for under an old transaction these are full of dead entries; nor
        -- does the planner take it for rare, which would cost it the hash join.
        AND j.id = ending.id
        AND j.claim = ending.claim
        AND CASE WHEN j.status = 'processing' THEN j.worker_id = $1::uuid ELSE false END
