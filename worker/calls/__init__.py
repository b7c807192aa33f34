"""One call to a model: its retries within the lease, and the meters of its outcome."""
