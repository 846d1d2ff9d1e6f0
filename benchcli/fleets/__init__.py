"""A suite on many machines: jobs that hosts measure, an engine that hands them out, and what comes back."""
