"""Builds the request lines of a batch job: one part each, with the same request as the workers'.

Each line contains the part's key twice. Google documents ``key`` for embeddings only, so requests
for answers also carry it in a label, which the output repeats. A label has at most 63 characters; a
SHA-256 has 52 in Base32.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from sightline.gcp.gemini.question import config_of, content_of, labels_of
from sightline.gcp.image_route import SentImage
from sightline.gcp.vertex_location import mime_type
from sightline.tasks import TaskSpec

PART_LABEL = "sightline_part"

MAX_BYTES = 1_000_000_000
"""The largest file of requests; the next pass asks about the parts that do not fit."""

_KEY = re.compile(r"[0-9a-f]{64}")
_LABEL = re.compile(r"[a-z2-7]{52}")


class Question(Protocol):
    """Builds the request about each part of a batch."""

    def request(self, part_key: str, images: Sequence[str]) -> dict[str, Any]:
        """Return the request about a part; ``images`` are URIs."""
        ...


class AnswerQuestion:
    """Asks a task, with the same request as the workers'."""

    def __init__(self, task: TaskSpec, *, model: str, run_id: str) -> None:
        self._task = task
        self._config = config_of(task, model=model)
        self._labels = labels_of(task, run_id=run_id)

    def request(self, part_key: str, images: Sequence[str]) -> dict[str, Any]:
        """See ``Question``."""
        sent_images = [SentImage(mime_type(uri), uri=uri) for uri in images]
        return {
            "contents": [content_of(self._task, sent_images)],
            "generationConfig": self._config,
            "labels": {**self._labels, PART_LABEL: label_of(part_key)},
        }


@dataclass(frozen=True, slots=True)
class EmbeddingQuestion:
    """Requests one vector of ``dimension`` numbers; these requests accept no labels."""

    dimension: int

    def request(self, part_key: str, images: Sequence[str]) -> dict[str, Any]:  # noqa: ARG002 - the line has the key
        """See ``Question``."""
        uri = images[0]
        part = SentImage(mime_type(uri), uri=uri).part
        return {
            "content": {"parts": [part]},
            "embed_content_config": {"output_dimensionality": self.dimension},
        }


def request_lines(
    question: Question, chosen: Iterable[tuple[str, Sequence[str]]], *, max_bytes: int = MAX_BYTES
) -> Iterator[bytes]:
    """Yield a line for each chosen part (its key and its images), as many as fit into one file."""
    size = 0
    for part_key, images in chosen:
        request = question.request(part_key, images)
        line = orjson.dumps({"key": part_key, "request": request}) + b"\n"
        size += len(line)
        if size > max_bytes:
            return
        yield line


def key_in(line: Mapping[str, Any]) -> str | None:
    """Return the key of the part that a line of output is about, if the line contains it."""
    key = line.get("key")
    if isinstance(key, str) and _KEY.fullmatch(key):
        return key
    request = line.get("request")
    labels = request.get("labels") if isinstance(request, Mapping) else None
    label = labels.get(PART_LABEL) if isinstance(labels, Mapping) else None
    return _key_of(label) if isinstance(label, str) else None


def label_of(part_key: str) -> str:
    """Return a part's key as a label value."""
    return base64.b32encode(bytes.fromhex(part_key)).decode().lower().rstrip("=")


def _key_of(label: str) -> str | None:
    if not _LABEL.fullmatch(label):
        return None
    try:
        return base64.b32decode(label.upper() + "====").hex()
    except binascii.Error:
        return None
