"""Measuring: workers that run networks, and the engine that starts, feeds and outlives them."""
