"""Turn pages into text; one format a file."""
