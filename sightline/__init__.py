"""Sightline: classify, embed and search street-level imagery at the scale of a city."""

__version__ = "0.1.0"
