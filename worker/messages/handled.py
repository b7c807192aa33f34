"""Which message the present task handles, for what is logged meanwhile."""

from __future__ import annotations

from contextvars import ContextVar

from sightline.ports import Delivery

HANDLED: ContextVar[Delivery | None] = ContextVar("HANDLED", default=None)
"""Set by the task of a message; what is awaited and started there sees it, and nothing else."""
