"""A sign of life in a file: touched from the event loop, so that a loop that hangs goes stale.

The file is there once the worker has opened what it needs, which is readiness; it is fresh while
its loop turns, which is health. ``python -m worker.heartbeat FILE`` tells by its exit code.
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
"""After how long a file that nobody touched means a worker that hangs: a dozen beats."""


async def beat(file: Path, *, every_s: float = BEAT_S) -> None:
    """Touch the file until cancelled, and remove it then.

    Raises:
        ConfigurationError: the file has content, so that it is no sign of life but somebody's.
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
        return  # it is made, or a probe will say that nobody beats
    if status.st_size or not stat.S_ISREG(status.st_mode):
        raise ConfigurationError(
            f"worker.heartbeat_file = {file} is not an empty file, and it would be removed when the"
            " worker ends; give the name of a file of its own"
        )


def _touch(file: Path) -> None:
    try:
        file.touch()
    except OSError as error:  # the work goes on; a probe will say that nobody beats
        log.warning("%s cannot be touched: %s", file, error.strerror)


def _remove(file: Path) -> None:
    with contextlib.suppress(OSError):
        file.unlink(missing_ok=True)


def age_s(file: Path, now_s: float) -> float | None:
    """Return how long ago the file was touched, or ``None`` when it is not there."""
    try:
        return now_s - file.stat().st_mtime
    except FileNotFoundError:
        return None


def main(arguments: list[str] | None = None) -> int:
    """Return 0 when the file is fresh, 1 when it is not, having said why."""
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
