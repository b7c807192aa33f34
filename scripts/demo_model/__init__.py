"""Trains, calibrates and measures the demo model: docs/demo-model.md. It is not in the wheel."""
