"""Work without messages: statements or batch jobs ask about many parts at a time."""
