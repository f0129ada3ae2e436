-- $1 id
UPDATE soniq_jobs
SET status = 'cancelled', finished_at = now(), updated_at = now()
WHERE id = $1::uuid AND status IN ('queued', 'processing')
RETURNING id
