"""Adapters of Google Cloud; heavy clients are imported where they are used."""
