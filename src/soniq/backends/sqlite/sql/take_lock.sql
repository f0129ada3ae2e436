-- Changes nothing, but makes the caller's transaction the writing one.
UPDATE soniq_leases SET term = term WHERE name IS NULL
