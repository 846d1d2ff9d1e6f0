"""What code of one version may not do to another in its process, and how their outputs are compared."""
