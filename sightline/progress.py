"""How operations report progress: a callback that a face turns into a bar, a line, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

Update = Callable[[int, int | None], None]
"""Takes how much is done, and the total where it is another than was said at first."""

Progress = Callable[[str, int | None], AbstractContextManager[Update]]
"""Opens the progress of one step: a label such as "reading answers", and the total if known."""


@contextmanager
def no_progress(_label: str, _total: int | None) -> Iterator[Update]:
    """Report nothing."""
    yield lambda *_: None
