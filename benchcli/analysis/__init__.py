"""Interpret results: verdicts, claims, comparisons, fits and the self-test."""
