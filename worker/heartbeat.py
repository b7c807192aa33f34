"""A heartbeat file, touched from the event loop, so that it goes stale if the loop hangs.

The file is created once the worker has opened everything it needs (readiness) and stays fresh while
its event loop runs (liveness). ``python -m worker.heartbeat FILE`` reports this by its exit code.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import stat
import sys
import time
from pathlib import Path

from sightline.errors import ConfigurationError

log = logging.getLogger(__name__)

BEAT_S = 5.0
STALE_S = 60.0
"""The worker counts as hung if its file is older than this: twelve heartbeats."""


async def beat(file: Path, *, every_s: float = BEAT_S) -> None:
    """Touch the file until cancelled, then remove it.

    Raises:
        ConfigurationError: the file has content, so it is not a heartbeat file.
    """
    _check_empty(file)
    try:
        while True:
            _touch(file)
            await asyncio.sleep(every_s)
    finally:
        _remove(file)


def _check_empty(file: Path) -> None:
    try:
        status = file.stat()
    except OSError:
        return  # created by the next beat; until then a probe reports the worker as not ready
    if status.st_size or not stat.S_ISREG(status.st_mode):
        raise ConfigurationError(
            f"worker.heartbeat_file = {file} is not an empty file, and it would be removed when the"
            " worker ends; give the name of a file of its own"
        )


def _touch(file: Path) -> None:
    try:
        file.touch()
    except OSError as error:  # the work continues; a probe reports the stale file
        log.warning("%s cannot be touched: %s", file, error.strerror)


def _remove(file: Path) -> None:
    with contextlib.suppress(OSError):
        file.unlink(missing_ok=True)


def age_s(file: Path, now_s: float) -> float | None:
    """Return the seconds since the file was touched; ``None`` if it does not exist."""
    try:
        return now_s - file.stat().st_mtime
    except FileNotFoundError:
        return None


def main(arguments: list[str] | None = None) -> int:
    """Return 0 if the file is fresh, else 1, and print the reason."""
    parser = argparse.ArgumentParser(prog="python -m worker.heartbeat", description=__doc__)
    parser.add_argument("file", type=Path, help="the setting worker.heartbeat_file")
    parser.add_argument("--stale-s", type=float, default=STALE_S, help="older than this is stale")
    options = parser.parse_args(arguments)
    age = age_s(options.file, time.time())
    if age is None:
        sys.stderr.write(
            f"{options.file} does not exist: the worker has not started, or has ended\n"
        )
        return 1
    if age > options.stale_s:
        sys.stderr.write(
            f"{options.file} was last updated {age:.0f} s ago: the worker is not responding\n"
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
