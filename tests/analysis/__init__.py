"""What answers and vectors tell together, without any engine."""
