"""The processes that run networks: start them, talk to them, and say how they ended."""
