"""Results laid out as pages, and pages as text."""
