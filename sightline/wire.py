"""The messages between producer and workers, version 1: UTF-8 JSON of at most 1 MiB."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from pydantic import TypeAdapter, ValidationError

from sightline.errors import PermanentError, Reason
from sightline.model import AnswerPart, EmbeddingPart, Observation, Part, WorkItem

VERSION = 1
MAX_BODY_BYTES = 1 << 20
RECHECK = "recheck"
"""Attribute of a message whose parts may already be written although it is a first delivery."""

REPLAY = "replay"
"""Attribute of a replayed dead letter: only written parts count as settled."""

_URI = re.compile(r"(gs://[a-z0-9][a-z0-9._-]*|file://(localhost)?)/.*[^/].*", re.DOTALL)
_OBSERVATIONS: TypeAdapter[tuple[Observation, ...]] = TypeAdapter(tuple[Observation, ...])


@dataclass(frozen=True, slots=True)
class Message:
    """A decoded message: a subject, its images, and the parts requested for it."""

    run_id: str
    subject_id: str
    observations: tuple[Observation, ...]
    parts: tuple[Part, ...]

    def part_keys(self) -> tuple[str, ...]:
        """Return the keys of the parts, in their order."""
        return tuple(part.key(self.subject_id) for part in self.parts)


def encode(message: Message | WorkItem) -> bytes:
    """Return the body of this message."""
    return orjson.dumps(
        {
            "v": VERSION,
            "run_id": message.run_id,
            "subject_id": message.subject_id,
            "observations": [
                observation_to_row(observation) for observation in message.observations
            ],
            "parts": [part_to_json(part) for part in message.parts],
        }
    )


def attributes(message: Message | WorkItem, *, recheck: bool = False) -> dict[str, str]:
    """Return the message's attributes: ``v``, ``run_id``, ``asset_type``, maybe ``recheck``."""
    asset_type = message.observations[0].asset_type if message.observations else ""
    return attributes_of(message.run_id, asset_type, recheck=recheck)


def attributes_of(run_id: str, asset_type: str, *, recheck: bool = False) -> dict[str, str]:
    """Return the attributes of a message of this run, about assets of this type."""
    attributes = {"v": str(VERSION), "run_id": run_id, "asset_type": asset_type}
    return {**attributes, RECHECK: "1"} if recheck else attributes


def decode(body: bytes) -> Message:
    """Return the message in a body.

    Raises:
        PermanentError: ``bad_message``, it is not a message of version 1.
    """
    if len(body) > MAX_BODY_BYTES:
        raise PermanentError(Reason.BAD_MESSAGE, f"{len(body)} bytes, more than {MAX_BODY_BYTES}")
    try:
        raw = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise PermanentError(Reason.BAD_MESSAGE, f"not JSON: {error}") from error
    if not isinstance(raw, dict):
        raise PermanentError(Reason.BAD_MESSAGE, "not a JSON object")
    if raw.get("v") != VERSION:
        raise PermanentError(Reason.BAD_MESSAGE, f"version {raw.get('v')!r} is not {VERSION}")
    run_id, subject_id, rows, parts = (
        raw.get(key) for key in ("run_id", "subject_id", "observations", "parts")
    )
    if not (isinstance(run_id, str) and isinstance(subject_id, str) and run_id and subject_id):
        raise PermanentError(Reason.BAD_MESSAGE, "run_id and subject_id must be strings")
    if not (isinstance(rows, list) and rows and isinstance(parts, list) and parts):
        raise PermanentError(Reason.BAD_MESSAGE, "observations and parts must be non-empty lists")
    observations = rows_to_observations(rows)
    return Message(run_id, subject_id, observations, parts_from_json(parts))


def rows_to_observations(rows: Sequence[Any]) -> tuple[Observation, ...]:
    """Return the observations in decoded source rows (``location`` nested, as in the source).

    Raises:
        PermanentError: ``bad_message``, naming the first wrong column.
    """
    try:
        return _OBSERVATIONS.validate_python([_flatten(row) for row in rows])
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        raise PermanentError(Reason.BAD_MESSAGE, f"observations.{where}: {first['msg']}") from error


def _flatten(row: object) -> object:
    if not isinstance(row, Mapping) or "location" not in row:
        return row
    flat = dict(row)
    location = flat.pop("location")
    if isinstance(location, Mapping):
        flat["latitude"] = location.get("latitude")
        flat["longitude"] = location.get("longitude")
    return flat


def parts_from_json(parts: Sequence[Any]) -> tuple[Part, ...]:
    """Return the parts in decoded JSON.

    Raises:
        PermanentError: ``bad_message``, a part is neither an answer nor an embedding.
    """
    return tuple(_part_from_json(part) for part in parts)


def _part_from_json(part: object) -> Part:
    if isinstance(part, dict):
        task, fingerprint, model = map(part.get, ("task", "fingerprint", "model"))
        if isinstance(task, str) and isinstance(fingerprint, str) and isinstance(model, str):
            return AnswerPart(task, fingerprint, model)
        if isinstance(embed := part.get("embed"), dict):
            model, dimension = embed.get("model"), embed.get("dimension")
            if isinstance(model, str) and type(dimension) is int and dimension > 0:
                return EmbeddingPart(model, dimension)
    raise PermanentError(Reason.BAD_MESSAGE, f"part {str(part)[:80]} is neither task nor embed")


def part_to_json(part: Part) -> dict[str, object]:
    """Return a part in its JSON form."""
    if isinstance(part, AnswerPart):
        return {"task": part.task, "fingerprint": part.fingerprint, "model": part.model}
    return {"embed": {"model": part.model, "dimension": part.dimension}}


def observation_to_row(observation: Observation) -> dict[str, object]:
    """Return an observation as a source row, without absent values."""
    row: dict[str, object] = {
        "observation_id": observation.observation_id,
        "asset_id": observation.asset_id,
        "snapshot_id": observation.snapshot_id,
        "asset_type": observation.asset_type,
        "gcs_uri": observation.gcs_uri,
    }
    if observation.latitude is not None and observation.longitude is not None:
        row["location"] = {"latitude": observation.latitude, "longitude": observation.longitude}
    if observation.capture_time is not None:
        row["capture_time"] = _utc(observation.capture_time)
    if observation.detection_time is not None:
        row["detection_time"] = _utc(observation.detection_time)
    for name in ("bbox", "camera_pose", "map_url"):
        value = getattr(observation, name)
        if value is not None:
            row[name] = value
    return row


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def check_uris(message: Message) -> None:
    """Check the URI of every image of a message.

    Raises:
        PermanentError: ``bad_uri``.
    """
    for observation in message.observations:
        check_uri(observation.gcs_uri)


def check_uri(uri: str) -> None:
    """Check the form of an image's URI.

    Raises:
        PermanentError: ``bad_uri``.
    """
    if not _URI.fullmatch(uri):
        raise PermanentError(
            Reason.BAD_URI, f"{uri[:200]!r} is not gs://bucket/object or file:///path"
        )
