"""The reporters, one format a file: each turns a report into text."""
