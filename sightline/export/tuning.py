"""Examples for tuning Gemini: images and prompt as a worker sends them, then the answer.

The format is that of supervised fine-tuning: one JSON object per line, with a user's and a model's
turn
(https://cloud.google.com/vertex-ai/generative-ai/docs/models/gemini-supervised-tuning-prepare).
Images are referenced by their ``gs://`` URI, never copied.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import orjson

from sightline.errors import ConfigurationError, PermanentError
from sightline.gcp.gemini.question import content_of
from sightline.gcp.image_route import SentImage
from sightline.gcp.vertex_location import mime_type
from sightline.ports import AnswerRow
from sightline.tasks import UNKNOWN, TaskSpec

NO_GS_URI = "no_gs_uri"
NOTHING_KNOWN = "nothing_known"
INVALID = "invalid"
DEAD = "dead"

VALIDATION_SHARE = 0.1


@dataclass(slots=True)
class TuningReport:
    """The number of examples in each file, and of answers left out, by reason."""

    train: int = 0
    validation: int = 0
    left_out: Counter[str] = field(default_factory=Counter)


def tuning_paths(path: Path) -> tuple[Path, Path]:
    """Return the training and validation files: ``a.jsonl`` stands for ``a.train.jsonl`` etc."""
    suffix = path.suffix or ".jsonl"
    stem = path.name.removesuffix(path.suffix)
    return path.with_name(f"{stem}.train{suffix}"), path.with_name(f"{stem}.validation{suffix}")


def is_held_out(asset_id: str, share: float) -> bool:
    """Return whether an asset is for validation: by its ID alone, so that its images stay together.

    The same share holds out the same assets at each export; a larger one holds out these and more.
    """
    number = int.from_bytes(hashlib.sha256(asset_id.encode()).digest()[:8], "big")
    return number < share * 2**64


@dataclass(frozen=True, slots=True)
class TuningExample:
    """One answer as an example: ``line`` ends with its newline, ``answer`` is canonical JSON."""

    row: AnswerRow
    answer: str
    line: bytes
    held_out: bool


class TuningExamples:
    """Turns answers into examples, and counts those that are left out."""

    def __init__(self, task: TaskSpec, *, share: float) -> None:
        """``share`` of the assets is for validation.

        Raises:
            ConfigurationError: the task looks at all images of an asset together.
        """
        if task.multi_observation:
            raise ConfigurationError(
                f"{task.name} looks at all images of an asset together, and which they were is not"
                " kept; export another task, or another format"
            )
        self._task = task
        self._share = share
        self.report = TuningReport()

    def of(self, page: Sequence[AnswerRow]) -> Iterator[TuningExample]:
        """Yield the examples of these answers."""
        for answer_row in page:
            text = self._answer(answer_row)
            if text is None:
                continue
            line = orjson.dumps(_example(self._task, answer_row.gcs_uri, text)) + b"\n"
            held_out = is_held_out(answer_row.asset_id or answer_row.subject_id, self._share)
            if held_out:
                self.report.validation += 1
            else:
                self.report.train += 1
            yield TuningExample(answer_row, text, line, held_out)

    def _answer(self, answer_row: AnswerRow) -> str | None:
        """Return the answer in the task's own order, or count why it cannot be an example."""
        names = [spec.name for spec in self._task.fields]
        if not answer_row.gcs_uri.startswith("gs://"):
            self.report.left_out[NO_GS_URI] += 1
        elif all(answer_row.answer.get(name) in (None, UNKNOWN, "", []) for name in names):
            self.report.left_out[NOTHING_KNOWN] += 1
        else:
            try:
                return self._task.validate_answer(answer_row.answer)
            except PermanentError:
                self.report.left_out[INVALID] += 1
        return None


class TuningFiles:
    """The two files of examples, while they are written."""

    def __init__(
        self, train: BinaryIO, validation: BinaryIO, task: TaskSpec, *, share: float
    ) -> None:
        """Raises as ``TuningExamples`` does."""
        self._train, self._validation = train, validation
        self._examples = TuningExamples(task, share=share)

    @property
    def report(self) -> TuningReport:
        """The numbers of examples, and of answers left out."""
        return self._examples.report

    def write(self, page: Sequence[AnswerRow]) -> None:
        """Append the examples of these answers."""
        for example in self._examples.of(page):
            (self._validation if example.held_out else self._train).write(example.line)


def _example(task: TaskSpec, uri: str, answer: str) -> dict[str, object]:
    question = content_of(task, [SentImage(mime_type(uri), uri=uri)])
    return {"contents": [question, {"role": "model", "parts": [{"text": answer}]}]}
