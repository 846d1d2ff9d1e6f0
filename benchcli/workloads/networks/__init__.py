"""Whole networks, one kind a file."""
