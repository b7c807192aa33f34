"""Stand-ins for services that cost money, for tests, benchmarks and the demo."""
