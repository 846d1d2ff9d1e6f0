"""Facts about this machine, its files and its git repositories, without an import of torch."""
