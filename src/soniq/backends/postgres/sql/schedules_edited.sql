SELECT pg_notify('soniq_schedule_edits', '')
