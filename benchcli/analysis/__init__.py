"""What results mean. Nothing here measures."""
