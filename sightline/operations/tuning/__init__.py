"""Tunes a model with the current answers, and compares it with its base model."""
