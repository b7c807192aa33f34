"""The wall clock of the machine that a round pretends to be: the real one, moved by an offset.

The offset is in a file that all processes of a round map, so that it jumps for all of them in one
instant, as a machine's clock does. Only what asks the clock that the composition passes in sees it:
leases, ledgers' times, budgets. Timeouts run by the monotonic clock, which no jump moves.
"""

from __future__ import annotations

import mmap
import struct
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

_SECONDS = struct.Struct("<d")


class Clock:
    """A clock whose offset, in seconds, is in a file."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(_SECONDS.pack(0.0))
        with path.open("r+b") as file:
            self._offset = mmap.mmap(file.fileno(), _SECONDS.size)

    def now(self) -> datetime:
        """Return the moment that this clock shows."""
        (offset_s,) = _SECONDS.unpack(self._offset[:])
        return datetime.now(UTC) + timedelta(seconds=offset_s)

    def jump(self, by_s: float) -> None:
        """Move the clock for all who have mapped it."""
        (offset_s,) = _SECONDS.unpack(self._offset[:])
        self._offset[:] = _SECONDS.pack(offset_s + by_s)

    def skewed(self, by_s: float, *, after_s: float) -> Callable[[], datetime]:
        """Return a clock that is off by so much, from so many seconds from now on."""
        from_s = time.monotonic() + after_s

        def now() -> datetime:
            off = by_s if time.monotonic() >= from_s else 0.0
            return self.now() + timedelta(seconds=off)

        return now
