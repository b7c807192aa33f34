"""One call to a model: its retries inside the lease, and who hears how it ended."""
