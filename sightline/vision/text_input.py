"""How a text is split into the words that the demo model knows."""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

PADDING, UNKNOWN = 0, 1
MAX_WORDS = 32
_WORD = re.compile(r"[^\W_]+")
FUNCTION_WORDS = frozenset({
    "a", "about", "above", "after", "again", "all", "also", "am", "an", "and", "any", "are",
    "around", "as", "at", "be", "been", "before", "below", "beside", "between", "both", "but",
    "by", "can", "could", "do", "does", "doing", "down", "during", "each", "else", "every", "few",
    "find", "for", "from", "further", "get", "give", "had", "has", "have", "having", "he", "her",
    "here", "him", "his", "how", "i", "if", "image", "images", "in", "into", "is", "it", "its",
    "just", "made", "make", "many", "me", "more", "most", "much", "my", "near", "next", "no",
    "non", "nor", "not", "of", "off", "on", "one", "only", "or", "other", "our", "out", "over",
    "photo", "photograph", "photographs", "photos", "picture", "pictures", "please", "scene",
    "scenes", "see", "she", "show", "showing", "shows", "so", "some", "something", "such", "than",
    "that", "the", "their", "them", "then", "there", "these", "they", "thing", "things", "this",
    "those", "through", "to", "too", "under", "until", "up", "us", "very", "was", "we", "were",
    "what", "when", "where", "which", "while", "who", "whose", "why", "will", "with", "within",
    "without", "would", "you", "your",
})  # fmt: skip
"""English words that do not say what an image shows, on their own."""


def split_words(text: str) -> list[str]:
    """The words of a text: lower case, letters and digits only, of any script."""
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

    def says_nothing(self, text: str) -> bool:
        """Whether every word of a text is unknown, or does not say what an image shows."""
        return all(w in FUNCTION_WORDS or self.number(w) is None for w in split_words(text))

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
