"""Builds the request: images as data URIs, the task's prompt, its JSON schema and its parameters.

https://platform.openai.com/docs/api-reference/chat/create, limited to what vLLM, Ollama and LM
Studio accept as well.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sightline.tasks import TaskSpec

_DETAIL = {"low": "low", "medium": "auto", "high": "high"}


@dataclass(frozen=True, slots=True)
class InlineImage:
    """An image file's content, and the media type of that content."""

    media_type: str
    content: bytes


def body_of(task: TaskSpec, images: Sequence[InlineImage], *, model: str) -> dict[str, Any]:
    """Return the request for one answer about these images, in their order."""
    image_parts = [_image(image, _DETAIL[task.media_resolution]) for image in images]
    body: dict[str, Any] = {
        "model": model,
        "messages": [
            {"role": "user", "content": [*image_parts, {"type": "text", "text": task.prompt}]}
        ],
        "response_format": {
            "type": "json_schema",
            "json_schema": {
                "name": task.name[:64],
                "strict": True,
                "schema": schema_of(task.response_schema()),
            },
        },
        "temperature": task.temperature,
        # This bound includes thoughts, if the server lets the model think.
        "max_tokens": task.max_output_tokens + max(task.thinking_budget or 0, 0),
        "stream": False,
    }
    if task.seed is not None:
        body["seed"] = task.seed
    return body


def schema_of(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a task's response schema as plain JSON schema, strict: every field, and no other."""
    strict = {
        name: value
        for name, value in schema.items()
        if name not in {"nullable", "propertyOrdering"}
    }
    if schema.get("nullable"):
        strict["type"] = [schema["type"], "null"]
    if "items" in schema:
        strict["items"] = schema_of(schema["items"])
    if "properties" in schema:
        order = schema.get("propertyOrdering", list(schema["properties"]))
        strict["properties"] = {name: schema_of(schema["properties"][name]) for name in order}
        strict["additionalProperties"] = False
    return strict


def _image(image: InlineImage, detail: str) -> dict[str, Any]:
    encoded = base64.b64encode(image.content).decode("ascii")
    url = f"data:{image.media_type};base64,{encoded}"
    return {"type": "image_url", "image_url": {"url": url, "detail": detail}}
