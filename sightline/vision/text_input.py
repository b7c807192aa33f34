"""How a text is split into the words that the demo model knows."""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

PADDING, UNKNOWN = 0, 1
MAX_WORDS = 32
_WORD = re.compile(r"[a-z0-9]+")


def split_words(text: str) -> list[str]:
    """The words of a text: lower case, letters and digits only."""
    return _WORD.findall(text.lower())


class Vocabulary:
    """The words that a model was trained on, each with its number."""

    def __init__(self, words: Sequence[str]) -> None:
        self.words = tuple(words)
        self._number = {word: place + 2 for place, word in enumerate(self.words)}

    def __len__(self) -> int:
        return len(self.words) + 2

    def number(self, word: str) -> int | None:
        """A word's number, also for a plural of a known word; None for an unknown word."""
        for form in (word, word.removesuffix("s"), word.removesuffix("es")):
            if form in self._number:
                return self._number[form]
        return None

    def unknown(self, text: str) -> list[str]:
        """The words of a text that the model has never seen, in order, without repeats."""
        return list(dict.fromkeys(w for w in split_words(text) if self.number(w) is None))

    def encode(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """Word numbers, shape (len(texts), longest text), padded with zeros.

        Unknown words are left out, and a text without a single known word is one unknown word;
        what follows the 32nd known word is cut off.
        """
        rows = [
            [n for w in split_words(text) if (n := self.number(w)) is not None][:MAX_WORDS]
            or [UNKNOWN]
            for text in texts
        ]
        numbers = np.full((len(rows), max(map(len, rows), default=1)), PADDING, np.int64)
        for row, known in zip(numbers, rows, strict=True):
            row[: len(known)] = known
        return numbers
