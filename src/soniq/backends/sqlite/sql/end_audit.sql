UPDATE soniq_audit SET detail = :detail WHERE id = :id
