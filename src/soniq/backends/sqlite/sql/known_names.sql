SELECT queues, job_names FROM soniq_workers WHERE status <> 'stopped'
