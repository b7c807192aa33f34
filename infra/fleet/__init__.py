"""What runs workers and producer: one kind of fleet, and the registry of images."""

from infra.fleet.fleet import GRANTS, Fleet

__all__ = ["GRANTS", "Fleet"]
