"""The networks to measure: guidelines, blocks, whole networks, suites and a user's own."""
