"""The runtimes, one per file: each turns a network and its input into a callable."""
