"""What one message needs while it is handled: what is settled already, its tasks, its images."""
