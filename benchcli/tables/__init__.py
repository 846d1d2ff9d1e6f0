"""The tables of a run's report: one kind of family a file."""
