"""What answers and vectors tell together. Pure: nothing here reads, writes, or knows an engine."""
