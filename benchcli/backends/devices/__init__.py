"""The devices, one per file: how to place a network there, time it and describe the hardware."""
