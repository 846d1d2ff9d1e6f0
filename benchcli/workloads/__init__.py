"""Networks to measure, and how to ask for them: guidelines, blocks, networks, suites and the user's own."""
