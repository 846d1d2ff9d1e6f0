"""A suite measured into a folder, resumed, and read back."""
