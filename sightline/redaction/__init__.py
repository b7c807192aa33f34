"""Removes secrets from everything that is printed, logged or stored. Standard library only.

By value: every secret that the program reads is registered where it is read. By shape: anything
that looks like a key or a token is hidden too, since a service may quote one that is not ours.
"""

from sightline.redaction.endpoints import (
    endpoint_secrets,
    register_authorization,
    register_endpoints,
    register_headers,
    shown_endpoint,
)
from sightline.redaction.secrets import HIDDEN, SECRETS, Secrets
from sightline.redaction.shapes import without_secrets

__all__ = [
    "HIDDEN",
    "SECRETS",
    "Secrets",
    "endpoint_secrets",
    "register_authorization",
    "register_endpoints",
    "register_headers",
    "shown_endpoint",
    "without_secrets",
]
