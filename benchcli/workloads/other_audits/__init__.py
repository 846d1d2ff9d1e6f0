"""What makes networks slow besides the guidelines, each in a file of its own."""
