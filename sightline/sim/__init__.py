"""Simulations of paid services, for tests, benchmarks and the demo."""
