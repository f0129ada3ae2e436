"""Soniq as a measured queue."""
