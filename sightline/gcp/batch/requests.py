"""The lines of requests: one part each, asked as workers ask it.

The part's key goes along twice. Google documents ``key`` for embeddings only, so for answers it
also stands in a label of the request, which comes back with it; a label has 63 characters at most,
and a SHA-256 has 52 in Base32.
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

MOST_BYTES = 1_000_000_000
"""Of one file of requests; what does not fit is asked by the next job."""

_KEY = re.compile(r"[0-9a-f]{64}")
_LABEL = re.compile(r"[a-z2-7]{52}")


class Question(Protocol):
    """What is asked about each part of a batch."""

    def request(self, part_key: str, images: Sequence[str]) -> dict[str, Any]:
        """Return the request about a part with these images, by their URIs."""
        ...


class AnswerQuestion:
    """A task, as workers put it to a model."""

    def __init__(self, task: TaskSpec, *, model: str, run_id: str) -> None:
        self._task = task
        self._config = config_of(task, model=model)
        self._labels = labels_of(task, run_id=run_id)

    def request(self, part_key: str, images: Sequence[str]) -> dict[str, Any]:
        """See ``Question``."""
        sent = [SentImage(mime_type(uri), uri=uri) for uri in images]
        return {
            "contents": [content_of(self._task, sent)],
            "generationConfig": self._config,
            "labels": {**self._labels, PART_LABEL: label_of(part_key)},
        }


@dataclass(frozen=True, slots=True)
class EmbeddingQuestion:
    """One vector of so many numbers; such requests take no labels."""

    dimension: int

    def request(self, part_key: str, images: Sequence[str]) -> dict[str, Any]:  # noqa: ARG002 - the key goes beside it
        """See ``Question``."""
        uri = images[0]
        part = SentImage(mime_type(uri), uri=uri).part
        return {
            "content": {"parts": [part]},
            "embed_content_config": {"output_dimensionality": self.dimension},
        }


def request_lines(
    question: Question, chosen: Iterable[tuple[str, Sequence[str]]], *, most_bytes: int = MOST_BYTES
) -> Iterator[bytes]:
    """Yield a line for each chosen part (its key and its images), as many as one file may hold."""
    size = 0
    for part_key, images in chosen:
        request = question.request(part_key, images)
        line = orjson.dumps({"key": part_key, "request": request}) + b"\n"
        size += len(line)
        if size > most_bytes:
            return
        yield line


def key_in(line: Mapping[str, Any]) -> str | None:
    """Return the key of the part that a line of output is about, if it says one."""
    key = line.get("key")
    if isinstance(key, str) and _KEY.fullmatch(key):
        return key
    request = line.get("request")
    labels = request.get("labels") if isinstance(request, Mapping) else None
    label = labels.get(PART_LABEL) if isinstance(labels, Mapping) else None
    return _key_of(label) if isinstance(label, str) else None


def label_of(part_key: str) -> str:
    """Return a part's key as the value of a label."""
    return base64.b32encode(bytes.fromhex(part_key)).decode().lower().rstrip("=")


def _key_of(label: str) -> str | None:
    if not _LABEL.fullmatch(label):
        return None
    try:
        return base64.b32decode(label.upper() + "====").hex()
    except binascii.Error:
        return None
