"""Looks for secrets in everything that is logged while tests run, at the most talkative level."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager

SECRET = re.compile(
    r"""
    ya29\.[\w.-]{4,}                                 # access tokens of Google
    | AIza[\w-]{20,}                                 # API keys of Google
    | \bsk-[\w-]{10,}                                # API keys of OpenAI's kind
    | eyJ[\w-]{10,}\.[\w-]{10,}\.                    # signed tokens
    | (?i:bearer\s+[\w.~+/=-]{8,})
    | (?i:x-goog-(signature|credential|security-token)=)[^&\s]
    | (?i:\bgoogleaccessid=)[^&\s]
    | -----BEGIN[ ]([A-Z]+[ ])?PRIVATE[ ]KEY-----
    """,
    re.VERBOSE,
)
TALKATIVE = ("sightline", "worker", "producer", "google", "grpc", "aiohttp", "urllib3", "requests")
"""Loggers that are set to DEBUG, as ``--debug`` would at most."""


class SecretFinder(logging.Handler):
    """Keeps the log lines that hold a secret, tracebacks included."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.leaks: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Look at one record."""
        text = self.format(record)
        if SECRET.search(text):
            self.leaks.append(f"{record.name}: {SECRET.sub('(a secret)', text)[:300]}")


@contextmanager
def looking_for_secrets() -> Iterator[SecretFinder]:
    """Look at everything that is logged meanwhile."""
    finder = SecretFinder()
    root = logging.getLogger()
    levels = {name: logging.getLogger(name).level for name in TALKATIVE}
    root.addHandler(finder)
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.DEBUG)
    try:
        yield finder
    finally:
        root.removeHandler(finder)
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
