"""The guard rails as a CrossGuard policy pack; only this package imports ``pulumi-policy``."""
