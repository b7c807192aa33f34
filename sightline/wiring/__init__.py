"""Opens the adapters that the settings name; only this package imports adapters."""
