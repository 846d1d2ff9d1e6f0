"""The building blocks of networks, one kind per file."""
