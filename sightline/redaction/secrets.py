"""The secrets that this process has read, and their removal from texts."""

from __future__ import annotations

import re
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from sightline.redaction.forms import forms_of

HIDDEN = "[hidden]"
LEAST_CHARACTERS = 4
"""A shorter value is never hidden by value: it would remove too much of every text."""
ANYWHERE_CHARACTERS = 8
"""A secret of this length or more is hidden wherever it occurs, in every form, even in part.

A shorter one is hidden only where it stands alone, and only if it is neither a word nor a number.
"""
MOST_TOKENS = 32
"""Access tokens are renewed every hour and expire: only this many are kept, the newest."""
_PLACEHOLDERS = frozenset(
    {"dummy", "emulator", "empty", "lm-studio", "no-key", "no-key-required", "none",
     "not-needed", "notneeded", "null", "ollama", "password", "placeholder", "test", "unused"}
)  # fmt: skip
"""Values that servers without key checks tell users to set: words that texts contain otherwise."""

ReadTokens = Callable[[], Iterable[str | None]]


@dataclass(frozen=True, slots=True)
class _Form:
    """A form of a secret, with the beginning and the end by which a part of it is recognised."""

    whole: str
    head: str
    tail: str

    @classmethod
    def of(cls, whole: str) -> _Form:
        length = min(12, max(ANYWHERE_CHARACTERS, len(whole) // 2))
        return cls(whole, whole[:length], whole[-length:])

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield where the form occurs in a text: whole, from its beginning, or up to its end."""
        for start in _places(self.head, text):
            yield start, start + _common(self.whole, text[start : start + len(self.whole)])
        for start in _places(self.tail, text):
            end = start + len(self.tail)
            before = text[max(0, end - len(self.whole)) : end]
            yield end - _common(self.whole[::-1], before[::-1]), end


def _places(part: str, text: str) -> Iterator[int]:
    at = text.find(part)
    while at >= 0:
        yield at
        at = text.find(part, at + 1)


def _common(left: str, right: str) -> int:
    """Return the number of characters that two texts have in common at their beginning."""
    length = min(len(left), len(right))
    return next((at for at in range(length) if left[at] != right[at]), length)


class Secrets:
    """Values to hide. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: list[str] = []
        self._tokens: deque[str] = deque(maxlen=MOST_TOKENS)
        self._sources: tuple[ReadTokens, ...] = ()
        self._forms: tuple[_Form, ...] = ()
        self._alone: re.Pattern[str] | None = None

    def register(self, secret: str | None) -> None:
        """Hide a value from now on, unless it cannot be told from plain text.

        Values of fewer than four characters, the words that mean "no key", and numbers that could
        be counts are not hidden.
        """
        self._add(secret, self._kept)

    def register_token(self, token: str | None) -> None:
        """Hide an access token, until enough newer ones were added."""
        self._add(token, self._tokens)

    def register_tokens_of(self, read: ReadTokens) -> None:
        """Hide what ``read`` returns at each use: tokens that other code renews."""
        with self._lock:
            self._sources = (*self._sources[1 - MOST_TOKENS :], read)

    def hide(self, text: str) -> str:
        """Return a text without the registered values, their forms and their long parts."""
        for read in self._sources:
            for token in read():
                self.register_token(token)
        spans = [
            span
            for form in self._forms
            if form.head in text or form.tail in text
            for span in form.spans(text)
        ]
        if spans:
            text = _without(text, spans)
        return text if self._alone is None else self._alone.sub(HIDDEN, text)

    def hide_in_bytes(self, content: bytes) -> bytes:
        """Return bytes that may be text, without the registered values."""
        text = content.decode("utf-8", "surrogateescape")
        hidden = self.hide(text)
        return content if hidden == text else hidden.encode("utf-8", "surrogateescape")

    def forget(self) -> None:
        """Forget all values, as in a new process."""
        with self._lock:
            self._kept.clear()
            self._tokens.clear()
            self._sources, self._forms, self._alone = (), (), None

    def _add(self, secret: str | None, values: list[str] | deque[str]) -> None:
        value = (secret or "").strip()
        if not _is_secret(value) or value in self._kept or value in self._tokens:
            return
        with self._lock:
            values.append(value)
            known = [*self._kept, *self._tokens]
            forms = {
                form
                for secret in known
                if len(secret) >= ANYWHERE_CHARACTERS
                for form in forms_of(secret)
            }
            self._forms = tuple(
                _Form.of(form) for form in sorted(forms) if len(form) >= ANYWHERE_CHARACTERS
            )
            short = [secret for secret in known if len(secret) < ANYWHERE_CHARACTERS]
            words = "|".join(map(re.escape, sorted(short, key=len, reverse=True)))
            self._alone = re.compile(rf"(?<![\w.-])(?:{words})(?![\w-])") if short else None


def _is_secret(value: str) -> bool:
    if len(value) < LEAST_CHARACTERS or value.lower() in _PLACEHOLDERS:
        return False
    if len(value) < ANYWHERE_CHARACTERS:
        return not (value.isalpha() or value.isdecimal())
    return not (value.isdecimal() and len(value) < 2 * ANYWHERE_CHARACTERS)


def _without(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """Return a text with each span hidden; adjacent spans are hidden as one."""
    pieces: list[str] = []
    done, begun = 0, False
    for start, end in sorted(spans):
        if start > done or not begun:
            pieces += [text[done:start], HIDDEN]
        done, begun = max(done, end), True
    return "".join(pieces) + text[done:]


SECRETS = Secrets()
"""The secrets of this process; every text that leaves the process is redacted with them."""
