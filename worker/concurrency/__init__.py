"""Tasks of the event loop: beside the work, a message each, and side by side."""
