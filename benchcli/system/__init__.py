"""Facts about this machine, its files and its git repositories. Nothing here loads torch."""
