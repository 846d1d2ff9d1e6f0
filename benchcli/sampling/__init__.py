"""Sample networks: prepare them, time them in rounds and launches, and decide when it is enough."""
