"""Budgets of runs: reserved by workers in slices, and charged per call."""
