"""The local queue: one SQLite file that many processes publish to and lease from."""

from sightline.local.queue.queue import LocalQueue
from sightline.local.queue.store import stream_bodies

__all__ = ["LocalQueue", "stream_bodies"]
