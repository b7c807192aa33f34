"""The task, the images and the messages of the worker's tests."""

from __future__ import annotations

from sightline.model import AnswerPart, EmbeddingPart, Observation, Part
from sightline.tasks import parse_task
from sightline.wire import Message

TASK = parse_task(
    """
name = "signs"
prompt = "What is it?"
[fields.kind]
type = "enum"
values = ["stop", "yield", "unknown"]
description = "The kind."
"""
).resolve("model-a")
ANSWER = AnswerPart(TASK.name, TASK.fingerprint, TASK.model)
EMBED = EmbeddingPart("model-e", 2)


def observation(number: int, uri: str | None = None) -> Observation:
    """Return the observation of this number."""
    name = f"o{number}"
    return Observation(name, f"a{number}", "s1", "ASSET_CLASS_ROAD_SIGN", uri or f"gs://b/{name}")


def message(number: int, parts: tuple[Part, ...] = (ANSWER, EMBED), run_id: str = "run") -> Message:
    """Return the message about the observation of this number."""
    return Message(run_id, f"o{number}", (observation(number),), parts)
