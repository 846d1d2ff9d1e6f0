"""The guidelines of ShuffleNet V2, one per file."""
