"""A worker's metrics, as an adapter: OpenTelemetry to Prometheus and OTLP. docs/telemetry.md.

Nothing else in the worker knows OpenTelemetry, and nothing imports this package unless the settings
switch it on.
"""
