"""Measure a suite into a folder, resume the run, and read its results."""
