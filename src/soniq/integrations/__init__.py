"""Soniq in other frameworks; each module imports what its user has."""
