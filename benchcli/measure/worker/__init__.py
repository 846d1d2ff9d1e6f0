"""What runs inside a measured process."""
