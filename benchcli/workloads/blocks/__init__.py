"""The units that networks are stacked of, one kind a file."""
