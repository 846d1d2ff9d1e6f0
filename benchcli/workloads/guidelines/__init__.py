"""The guidelines, one a file: each its axis, its micro-network and what the paper claims of it."""
