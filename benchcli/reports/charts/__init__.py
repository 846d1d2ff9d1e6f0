"""Draw what was measured: one kind of chart a file."""
