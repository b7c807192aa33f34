"""What handling a message needs: its settled parts, its tasks and its images."""
