"""The devices, one backend a file: how to place a network there, how to time it, what the hardware is."""
