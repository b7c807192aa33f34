"""Work without messages: SQL statements or batch jobs, each for many parts."""
