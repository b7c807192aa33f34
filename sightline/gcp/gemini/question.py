"""Builds the request of ``generateContent``: images, prompt, schema and parameters of a task.

https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sightline.gcp.gemini.thinking import output_tokens, thinking_config
from sightline.gcp.image_route import SentImage
from sightline.gcp.vertex_location import billing_label
from sightline.tasks import TaskSpec

RUN_LABEL = "sightline_run"
TASK_LABEL = "sightline_task"


def content_of(task: TaskSpec, images: Sequence[SentImage]) -> dict[str, Any]:
    """Return the images, in order, followed by the prompt, and nothing else.

    Any other text would change answers without changing the task's fingerprint.
    """
    return {"role": "user", "parts": [*(image.part for image in images), {"text": task.prompt}]}


def config_of(task: TaskSpec, *, model: str) -> dict[str, Any]:
    """Return the parameters of a task's calls."""
    config: dict[str, Any] = {
        "responseMimeType": "application/json",
        "responseSchema": _schema(task.response_schema()),
        "mediaResolution": f"MEDIA_RESOLUTION_{task.media_resolution.upper()}",
        "temperature": task.temperature,
        "maxOutputTokens": output_tokens(model, task.max_output_tokens, task.thinking_budget),
        "candidateCount": 1,
    }
    if task.seed is not None:
        config["seed"] = task.seed
    thinking = thinking_config(model, task.thinking_budget)
    if thinking is not None:
        config["thinkingConfig"] = thinking
    return config


def labels_of(task: TaskSpec, *, run_id: str) -> dict[str, str]:
    """Return the billing labels of a task's calls in a run."""
    return {RUN_LABEL: billing_label(run_id), TASK_LABEL: billing_label(task.name)}


def _schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema with its types in upper case, as the API requires."""
    converted = {**schema, "type": str(schema["type"]).upper()}
    if "items" in schema:
        converted["items"] = _schema(schema["items"])
    if "properties" in schema:
        converted["properties"] = {
            name: _schema(inner) for name, inner in schema["properties"].items()
        }
    return converted
