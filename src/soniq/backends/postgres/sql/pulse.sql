-- What changes when something does, each by an index or from a small table.
SELECT concat_ws(' ',
    (SELECT id FROM soniq_jobs ORDER BY id DESC LIMIT 1),
    (SELECT max(finished_at) FROM soniq_jobs WHERE status IN ('done', 'cancelled')),
    (SELECT count(*) FROM soniq_jobs WHERE status = 'processing'),
    (SELECT max(moved_to_dead_letter_at) FROM soniq_dead_letter_jobs),
    (SELECT string_agg(status, ',' ORDER BY soniq_workers.id) FROM soniq_workers),
    (SELECT concat(count(*), max(updated_at), max(last_run)) FROM soniq_schedules)
)
