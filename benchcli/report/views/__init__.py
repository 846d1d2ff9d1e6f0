"""One subject a file: results to tables and pages."""
