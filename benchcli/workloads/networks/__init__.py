"""The built-in whole networks, one kind per file."""
