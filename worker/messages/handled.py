"""The message that the current task handles, for log records."""

from __future__ import annotations

from contextvars import ContextVar

from sightline.ports import Delivery

HANDLED: ContextVar[Delivery | None] = ContextVar("HANDLED", default=None)
"""Set by a message's task, and visible only in it and in tasks that it starts."""
