"""Names that sort in the order in which they are created."""

from __future__ import annotations

import os
import time


def time_ordered_id() -> str:
    """Return a UUID (version 7): names sort by creation time, and are unique."""
    random = int.from_bytes(os.urandom(10), "big")
    stamp = time.time_ns() // 1_000_000
    value = (stamp << 80) | (0x7 << 76) | ((random >> 68 & 0xFFF) << 64)
    value |= (0b10 << 62) | (random & ((1 << 62) - 1))
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
