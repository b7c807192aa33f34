"""Time, and the ids of runs, workers and events."""

from __future__ import annotations

import os
import socket
import uuid
from datetime import UTC, datetime


def utc_now() -> datetime:
    """Return the current time."""
    return datetime.now(UTC)


def new_run_id(now: datetime) -> str:
    """Return a run id: its time, then random characters; ids sort by time."""
    return f"{now:%Y%m%d-%H%M%S}-{uuid.uuid4().hex[:6]}"


def new_id() -> str:
    """Return a unique id."""
    return uuid.uuid4().hex


def new_worker_id() -> str:
    """Return a worker's id: host, process, and random characters."""
    return f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}"
