"""The runtimes, one a file: each turns a network and its input into a callable."""
