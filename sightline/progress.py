"""How operations report progress: a callback that a caller turns into a bar, a line, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

Update = Callable[[int, int | None], None]
"""Receives the amount done, and the total if it differs from the one given at the start."""

Progress = Callable[[str, int | None], AbstractContextManager[Update]]
"""Opens the progress of one step, with a label such as "reading answers" and the total if known."""


@contextmanager
def no_progress(_label: str, _total: int | None) -> Iterator[Update]:
    """Report nothing."""
    yield lambda *_: None
