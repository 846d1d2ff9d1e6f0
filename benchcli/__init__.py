"""benchcli: hardware-aware benchmarks of the ShuffleNet V2 guidelines."""

__version__ = "0.1.0"
