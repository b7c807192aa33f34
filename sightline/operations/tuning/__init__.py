"""Tuning a model with the answers there are, and comparing it with its base."""
