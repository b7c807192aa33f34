"""How the subscriptions of the job are set, whoever makes them: `sightline setup` or Pulumi."""

ACK_DEADLINE_S = 60
"""The lease of a message between its pull and the worker's own extension."""
MIN_BACKOFF_S = 1
MAX_BACKOFF_S = 60
"""How long Pub/Sub itself waits before it delivers what was given back."""
