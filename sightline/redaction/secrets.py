"""The secrets that this process has read, and their removal from a text."""

from __future__ import annotations

import re
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from sightline.redaction.forms import forms_of

HIDDEN = "[hidden]"
LEAST_CHARACTERS = 4
"""A shorter value is never hidden by value: too much of every text would be gone."""
ANYWHERE_CHARACTERS = 8
"""From here on a secret is hidden wherever it stands, in every form, in part too; a shorter one
only where it stands alone, and only when it is no plain word and no number."""
MOST_TOKENS = 32
"""Access tokens are renewed every hour and expire: of these the oldest are forgotten."""
_PLACEHOLDERS = frozenset(
    {"dummy", "emulator", "empty", "lm-studio", "no-key", "no-key-required", "none",
     "not-needed", "notneeded", "null", "ollama", "password", "placeholder", "test", "unused"}
)  # fmt: skip
"""What servers that check no key tell people to set: words that texts hold for other reasons."""

ReadTokens = Callable[[], Iterable[str | None]]


@dataclass(frozen=True, slots=True)
class _Form:
    """A form of a secret, and the beginning and the end by which a part of it is noticed."""

    whole: str
    head: str
    tail: str

    @classmethod
    def of(cls, whole: str) -> _Form:
        length = min(12, max(ANYWHERE_CHARACTERS, len(whole) // 2))
        return cls(whole, whole[:length], whole[-length:])

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield where the form stands in a text: whole, from its beginning, or to its end."""
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
    """Return how many characters two texts have in common at their beginning."""
    length = min(len(left), len(right))
    return next((at for at in range(length) if left[at] != right[at]), length)


class Secrets:
    """Values to be hidden. Threads may register and hide at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: list[str] = []
        self._tokens: deque[str] = deque(maxlen=MOST_TOKENS)
        self._sources: tuple[ReadTokens, ...] = ()
        self._forms: tuple[_Form, ...] = ()
        self._alone: re.Pattern[str] | None = None

    def register(self, secret: str | None) -> None:
        """Hide a value from now on; what cannot be told from plain text is not hidden.

        Fewer than four characters, the words that stand for "no key", and numbers that could be
        counts are such.
        """
        self._add(secret, self._kept)

    def register_token(self, token: str | None) -> None:
        """Hide an access token, until many others came after it."""
        self._add(token, self._tokens)

    def register_tokens_of(self, read: ReadTokens) -> None:
        """Hide what ``read`` returns whenever a text is looked at: tokens that others renew."""
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
        """Return bytes that may be a text without the registered values."""
        text = content.decode("utf-8", "surrogateescape")
        hidden = self.hide(text)
        return content if hidden == text else hidden.encode("utf-8", "surrogateescape")

    def forget(self) -> None:
        """Forget everything, as a new process knows nothing."""
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
    """Return a text in which each span, those that touch as one, is hidden."""
    pieces: list[str] = []
    done, begun = 0, False
    for start, end in sorted(spans):
        if start > done or not begun:
            pieces += [text[done:start], HIDDEN]
        done, begun = max(done, end), True
    return "".join(pieces) + text[done:]


SECRETS = Secrets()
"""Those of this process: a secret is hidden wherever a text leaves it, whoever read the secret."""
