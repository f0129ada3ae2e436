-- What changes when something does, each by an index or from a small table.
SELECT
    coalesce((SELECT max(created_at) FROM soniq_jobs), '')
    || coalesce((SELECT max(finished_at) FROM soniq_jobs WHERE finished_at IS NOT NULL), '')
    || (SELECT count(*) FROM soniq_jobs WHERE status = 'processing')
    || coalesce((SELECT max(moved_to_dead_letter_at) FROM soniq_dead_letter_jobs), '')
    || coalesce((SELECT group_concat(id || status) FROM soniq_workers), '')
    || coalesce(
        (SELECT count(*) || max(updated_at) || coalesce(max(last_run), '') FROM soniq_schedules), ''
    )
