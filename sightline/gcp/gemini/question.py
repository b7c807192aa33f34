"""The request: images by reference, the task's prompt, its schema and its parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sightline.gcp.place import billing_label, mime_type
from sightline.tasks import TaskSpec

if TYPE_CHECKING:
    from google.genai import types

RUN_LABEL = "sightline_run"
TASK_LABEL = "sightline_task"


def content_of(task: TaskSpec, uris: Sequence[str]) -> types.Content:
    """Return the images, in their order, and after them the prompt; nothing that is not hashed.

    What stands here besides the prompt would change answers without changing the fingerprint.
    """
    from google.genai import types

    images = [
        types.Part(file_data=types.FileData(file_uri=uri, mime_type=mime_type(uri))) for uri in uris
    ]
    return types.Content(role="user", parts=[*images, types.Part(text=task.prompt)])


def config_of(task: TaskSpec, *, run_id: str) -> types.GenerateContentConfig:
    """Return the parameters of a task's calls in a run."""
    from google.genai import types

    thinking = (
        None
        if task.thinking_budget is None
        else types.ThinkingConfig(thinking_budget=task.thinking_budget)
    )
    return types.GenerateContentConfig(
        response_mime_type="application/json",
        response_schema=task.response_schema(),
        media_resolution=types.MediaResolution(f"MEDIA_RESOLUTION_{task.media_resolution.upper()}"),
        temperature=task.temperature,
        seed=task.seed,
        max_output_tokens=task.max_output_tokens,
        candidate_count=1,
        thinking_config=thinking,
        labels={RUN_LABEL: billing_label(run_id), TASK_LABEL: billing_label(task.name)},
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
    )
