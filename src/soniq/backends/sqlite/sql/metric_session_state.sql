SELECT number, NOT ended FROM soniq_metric_sessions WHERE id = :id
