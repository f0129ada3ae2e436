-- The trace that a job belongs to, as its enqueuer's program wrote it down.
ALTER TABLE soniq_jobs ADD COLUMN trace text;
