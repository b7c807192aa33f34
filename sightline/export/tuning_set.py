"""The files for a tuning job: a folder of examples, and what the later evaluation needs.

| file | contents |
|---|---|
| ``train.jsonl``, ``validation.jsonl`` | examples, in the format of Gemini's tuning |
| ``held_out.jsonl`` | the observations behind the validation examples, and their answers |
| ``task.toml`` | the task as requested, for the same request later |
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Self

import orjson

from sightline.errors import ConfigurationError
from sightline.export.tuning import TuningExample, TuningExamples, TuningReport
from sightline.ports import AnswerRow
from sightline.prices import BYTES_A_TOKEN, TOKENS_AN_IMAGE
from sightline.tasks import TaskSpec

TRAIN, VALIDATION, HELD_OUT, TASK = "train.jsonl", "validation.jsonl", "held_out.jsonl", "task.toml"
MOST_TRAINING = 300_000
MOST_VALIDATION = 5_000
MOST_TRAINING_BYTES = 1_000_000_000
"""Google's limits of a job with images: docs.cloud.google.com, "About supervised fine-tuning"."""
FEW = 100
"""The number of examples that Google recommends to begin with."""
BEYOND_THE_LIMIT = "beyond_validation_limit"


@dataclass(frozen=True, slots=True)
class HeldOut:
    """An observation that is not used for training, and its known answer."""

    observation_id: str
    asset_id: str
    asset_type: str
    uri: str
    answer: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TuningSetReport:
    """The contents of the folder.

    ``training_tokens`` is an estimate, for one pass over the examples. ``content`` identifies the
    examples, whatever their order in the files.
    """

    examples: TuningReport
    held_out_assets: int
    training_bytes: int
    training_tokens: int
    content: str


class TuningSet:
    """The folder while it is written, as a context manager; memory does not grow with answers."""

    def __init__(self, folder: Path, task: TaskSpec, *, share: float) -> None:
        """Raises as ``TuningExamples`` does."""
        self._examples = TuningExamples(task, share=share)
        self._folder = folder
        self._task = task
        self._train: BinaryIO | None = None
        self._bytes = self._tokens = self._sum = 0
        self._kept: list[tuple[int, bytes, bytes, str]] = []

    def __enter__(self) -> Self:
        self._train = (self._folder / TRAIN).open("wb")
        return self

    def __exit__(self, *_: object) -> None:
        if self._train is not None:
            self._train.close()

    def write(self, page: Sequence[AnswerRow]) -> None:
        """Add the examples of these answers."""
        assert self._train is not None, "enter it first"
        for example in self._examples.of(page):
            if example.held_out:
                self._keep(example)
                continue
            self._train.write(example.line)
            self._bytes += len(example.line)
            self._tokens += _tokens(self._task, example)
            self._add("train", example.line)

    def _keep(self, tuning_example: TuningExample) -> None:
        """Keep the examples with the smallest hashes of their IDs, always the same choice."""
        row = tuning_example.row
        number = int.from_bytes(hashlib.sha256(row.subject_id.encode()).digest()[:8], "big")
        asset = row.asset_id or row.subject_id
        fact = orjson.dumps(
            {
                "observation_id": row.subject_id,
                "asset_id": asset,
                "asset_type": row.asset_type,
                "uri": row.gcs_uri,
                "answer": orjson.loads(tuning_example.answer),
            }
        )
        heapq.heappush(self._kept, (-number, tuning_example.line, fact + b"\n", asset))
        if len(self._kept) > MOST_VALIDATION:
            heapq.heappop(self._kept)
            self._examples.report.validation -= 1
            self._examples.report.left_out[BEYOND_THE_LIMIT] += 1

    def _add(self, what: str, line: bytes) -> None:
        """Add to the sum that identifies the content: sums do not depend on the order."""
        digest = hashlib.sha256(what.encode() + line).digest()
        self._sum = (self._sum + int.from_bytes(digest, "big")) % 2**256

    def finish(self) -> TuningSetReport:
        """Write the held-out part and the task; return the contents of the folder.

        Raises:
            ConfigurationError: there are no examples for training or validation, or too many.
        """
        assert self._train is not None, "enter it first"
        self._train.flush()
        report = self._examples.report
        _check(self._task, report, self._bytes)
        with (
            (self._folder / VALIDATION).open("wb") as validation,
            (self._folder / HELD_OUT).open("wb") as facts,
        ):
            for _, line, fact, _ in sorted(self._kept, reverse=True):
                validation.write(line)
                facts.write(fact)
                self._add("validation", line)
        (self._folder / TASK).write_text(self._task.toml, encoding="utf-8")
        return TuningSetReport(
            examples=report,
            held_out_assets=len({asset for *_, asset in self._kept}),
            training_bytes=self._bytes,
            training_tokens=self._tokens,
            content=f"{self._sum:064x}",
        )


def read_held_out(raw: bytes, origin: str) -> Iterator[HeldOut]:
    """Yield the contents of ``held_out.jsonl``.

    Raises:
        ConfigurationError: the file has another format.
    """
    for number, line in enumerate(raw.splitlines(), 1):
        try:
            row = orjson.loads(line)
            yield HeldOut(
                str(row["observation_id"]),
                str(row["asset_id"]),
                str(row["asset_type"]),
                str(row["uri"]),
                dict(row["answer"]),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigurationError(
                f"{origin}, line {number}: {error}; `sightline tune submit` writes this file, so"
                " submit the job with it"
            ) from error


def sampled(rows: Sequence[HeldOut], most: int | None) -> list[HeldOut]:
    """Return one observation per asset, for at most so many assets, by hash.

    Images of one asset get similar answers, and would count one mistake several times.
    """
    by_asset: dict[str, HeldOut] = {}
    for row in sorted(rows, key=lambda row: _hash(row.observation_id)):
        by_asset.setdefault(row.asset_id, row)
    return sorted(by_asset.values(), key=lambda row: _hash(row.asset_id))[:most]


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _tokens(task: TaskSpec, tuning_example: TuningExample) -> int:
    """Return the approximate tokens of an example; it names no media resolution."""
    words = len(task.prompt.encode()) + len(tuning_example.answer.encode())
    return TOKENS_AN_IMAGE["high"] - (-words // BYTES_A_TOKEN)


def _check(task: TaskSpec, report: TuningReport, train_bytes: int) -> None:
    if not report.train + report.validation:
        reasons = ", ".join(f"{n:,} {name}" for name, n in (+report.left_out).items())
        raise ConfigurationError(
            f"no answer of {task.name} can be an example ({reasons or 'there is none'}); a tuning"
            " job reads images from a bucket: see `sightline upload`"
        )
    if not (report.train and report.validation):
        raise ConfigurationError(
            f"{report.train:,} examples are for training and {report.validation:,} are held out,"
            " and both are needed; give another --validation, or more answers"
        )
    if report.train > MOST_TRAINING or train_bytes > MOST_TRAINING_BYTES:
        raise ConfigurationError(
            f"{report.train:,} examples of {train_bytes:,} bytes are more than a job takes,"
            f" {MOST_TRAINING:,} and {MOST_TRAINING_BYTES:,}; narrow them with a filter, or with a"
            " larger --validation"
        )
