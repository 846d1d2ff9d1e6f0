"""Turn results into pages, and pages into text."""
