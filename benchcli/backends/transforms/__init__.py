"""Changes of a whole network that need no training, one per file."""
