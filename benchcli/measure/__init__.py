"""Measure networks in worker processes that an engine starts and supervises."""
