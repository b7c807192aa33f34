"""Tasks of the event loop: side tasks, one task per message, and concurrent calls."""
