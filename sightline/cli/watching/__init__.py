"""Live views of a worker, or of all runs, on a terminal or as lines of JSON."""
