"""Hides secrets in everything that a command writes to standard output and standard error.

One place for everything that prints: results, JSON, live views, logs, tracebacks, libraries.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, TextIO, cast

from sightline.cli.characters import printable_lines
from sightline.redaction import SECRETS, without_secrets


class _WithoutSecrets:
    """A stream that hides every registered secret, and otherwise acts as the wrapped one."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a text; return the length of the original text, as callers expect."""
        self._stream.write(SECRETS.hide(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write several texts."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def streams_without_secrets() -> Iterator[None]:
    """Hide secrets in standard output and standard error within the block."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (cast("TextIO", _WithoutSecrets(stream)) for stream in before)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def print_traceback(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Print a traceback, as ``sys.excepthook``, without secrets and without control characters."""
    text = "".join(traceback.format_exception(kind, error, trace))
    sys.stderr.write(printable_lines(without_secrets(text)))
