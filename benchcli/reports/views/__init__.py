"""Turn results into tables and pages; one subject a file."""
