"""Judge the papers' claims by measurements; each file adds one kind of claim."""
