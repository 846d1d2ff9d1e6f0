"""Compare the time, costs and outputs of two versions, base and head."""
