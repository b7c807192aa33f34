"""The fleet that runs workers and producer, of one kind, and the registry of its images."""

from infra.fleet.fleet import GRANTS, Fleet

__all__ = ["GRANTS", "Fleet"]
