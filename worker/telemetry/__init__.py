"""A worker's metrics, by OpenTelemetry, to Prometheus and OTLP: docs/telemetry.md.

No other part of the worker uses OpenTelemetry, and this package is imported only if the settings
enable it.
"""
