"""The results of messages: rows, dead letters, and settlements."""
