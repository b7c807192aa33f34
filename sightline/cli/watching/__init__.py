"""Live views: what a worker, or all runs, are doing, on a terminal or as lines of JSON."""
