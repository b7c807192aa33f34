"""Reads and checks the example files of a tuning job: the form of lines, and their number.

The format and the limits are Google's:
https://cloud.google.com/vertex-ai/generative-ai/docs/models/gemini-supervised-tuning-prepare.
The exact wording of Google's messages is not known; these have the same meaning.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from sightline.sim.vertex.errors import InvalidArgumentError
from sightline.sim.vertex.fields import fields
from sightline.sim.vertex.requests import Image, read_generate
from sightline.sim.vertex.responses import count_tokens

MOST_TRAINING = 300_000
"""The limit of examples with images in a training file."""
MOST_VALIDATION = 5_000
TOKENS_AN_IMAGE = 1120
"""At the default resolution."""
_EXAMPLE = frozenset({"systemInstruction", "contents", "tools", "generationConfig"})


class BadDatasetError(Exception):
    """The file is invalid; the message names its first invalid line."""


@dataclass(frozen=True, slots=True)
class TrainingLine:
    """One example: images, the prompt about them, and the answer to learn."""

    images: tuple[Image, ...]
    prompt: str
    answer: str

    @property
    def tokens(self) -> int:
        """The approximate number of tokens billed for one epoch."""
        words = count_tokens(self.prompt) + count_tokens(self.answer)
        return words + TOKENS_AN_IMAGE * len(self.images)


def read_examples(raw: bytes, what: str, *, most: int) -> tuple[TrainingLine, ...]:
    """Return the examples of a JSONL file.

    Raises:
        BadDatasetError: a line is invalid, or there are no or too many lines.
    """
    lines = [line for line in raw.split(b"\n") if line.strip()]
    if not lines:
        raise BadDatasetError(f"The {what} dataset is empty.")
    if len(lines) > most:
        raise BadDatasetError(
            f"The {what} dataset has {len(lines)} examples, which exceeds the limit of {most}."
        )
    return tuple(_example(line, f"{what} dataset, row {n}") for n, line in enumerate(lines, 1))


def _example(line: bytes, where: str) -> TrainingLine:
    try:
        row = fields(orjson.loads(line), "", _EXAMPLE)
        contents = row.get("contents")
        if not isinstance(contents, list) or len(contents) < 2:
            raise BadDatasetError(f"{where}: contents needs a user turn and a model turn.")
        roles = [turn.get("role") if isinstance(turn, Mapping) else None for turn in contents]
        if roles != ["user", "model"] * (len(contents) // 2):
            raise BadDatasetError(
                f"{where}: turns must alternate between user and model, and end with model."
            )
        question = read_generate({"contents": contents[:-1]})
        answer = read_generate({"contents": contents[-1:]})
    except orjson.JSONDecodeError as error:
        raise BadDatasetError(f"{where}: not valid JSON ({error}).") from error
    except InvalidArgumentError as error:
        raise BadDatasetError(f"{where}: {error}") from error
    if answer.images or not answer.text:
        raise BadDatasetError(f"{where}: the model's turn must be text.")
    return TrainingLine(question.images, question.text, answer.text)


def fields_of_answer(example: TrainingLine) -> Mapping[str, Any]:
    """Return the fields of an answer that is a JSON object; empty for any other answer."""
    try:
        fields_ = orjson.loads(example.answer)
    except orjson.JSONDecodeError:
        return {}
    return fields_ if isinstance(fields_, Mapping) else {}
