"""Measurements of Soniq beside raw SQL and beside other queues, on a Postgres of their own."""
