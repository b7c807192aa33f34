"""What becomes of a message: rows, dead letters, and its settlement."""
