"""Observe what disturbs measurements on this machine, grade it, and make warnings of it."""
