"""Adapters for Google Cloud; slow imports of client libraries happen where they are used."""
