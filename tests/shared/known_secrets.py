"""The registry of secrets is one a process: tests that register some leave none behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sightline.redaction import SECRETS


@contextmanager
def forgetting_secrets() -> Iterator[None]:
    """Begin and end without any registered secret."""
    SECRETS.forget()
    try:
        yield
    finally:
        SECRETS.forget()
