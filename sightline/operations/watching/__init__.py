"""How runs and workers progress, seen repeatedly: rates, and the time that remains."""
