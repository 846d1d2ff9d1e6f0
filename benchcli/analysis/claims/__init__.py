"""What the papers claim, as data, and the kinds of evidence that judge it, one kind a file."""
