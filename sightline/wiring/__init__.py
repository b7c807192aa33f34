"""Puts the adapters that the settings name behind the ports; adapters are imported here only."""
