"""The configuration of the job's subscriptions, for both `sightline setup` and Pulumi."""

ACK_DEADLINE_S = 60
"""The lease of a message between its pull and the worker's first extension, in seconds."""
MIN_BACKOFF_S = 1
MAX_BACKOFF_S = 60
"""How long Pub/Sub itself waits before it redelivers a nacked message, in seconds."""
