"""Observations that match no task, so that a run requests nothing about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sightline.model import AnswerPart, asset_name
from sightline.operations.requests import TaskRequest
from sightline.operations.selection import UNSPECIFIED
from sightline.settings import Settings
from sightline.wiring.tasks import known_tasks


@dataclass(frozen=True, slots=True)
class Unmatched:
    """How many observations match no task: ``by_asset_type``, ``of`` all that match the filter.

    ``remedy`` is the one option that changes it.
    """

    by_asset_type: Sequence[tuple[str, int]]
    of: int
    remedy: str

    @property
    def count(self) -> int:
        """How many observations match no task."""
        return sum(count for _, count in self.by_asset_type)

    def __str__(self) -> str:
        types = ", ".join(
            f"{count:,} of type {asset_name(name) or 'unspecified'}"
            for name, count in self.by_asset_type
        )
        return f"{self.count:,} of {self.of:,} observations match no task: {types}; {self.remedy}"


def unmatched(
    settings: Settings, request: TaskRequest, by_asset_type: Sequence[tuple[str, int]]
) -> Unmatched | None:
    """Return which observations match no task of a request, if any.

    If the request asks for embeddings alone, or names the tasks, observations of other types are
    left out on purpose; if it names the tasks, unless there are no others.
    """
    answer_parts = [part for part in request.request.parts if isinstance(part.part, AnswerPart)]
    if not answer_parts or any(not part.asset_types for part in answer_parts):
        return None
    types = {name for part in answer_parts for name in part.asset_types}
    left = tuple((name, count) for name, count in by_asset_type if name not in types)
    if not left or (request.named and len(left) < len(by_asset_type)):
        return None
    remedy = _remedy(settings, types, untyped=any(name in ("", UNSPECIFIED) for name, _ in left))
    return Unmatched(left, sum(count for _, count in by_asset_type), remedy)


def _remedy(settings: Settings, types: set[str], *, untyped: bool) -> str:
    known = known_tasks(settings)
    if untyped and types:
        command = (
            "sightline import DIR"
            if settings.adapter("warehouse") == "local"
            else "sightline upload DIR gs://BUCKET/PREFIX --source-table TABLE"
        )
        names = sorted(map(asset_name, types))
        return f"`{command} --asset-type TYPE` gives them one of {', '.join(names)}"
    of_any_type = next((name for name, task in known.items() if not task.asset_types), None)
    if of_any_type:
        return f"`sightline enqueue --task {of_any_type}` asks a task that takes any type"
    return "add the type to `asset_types` of a task: docs/tasks.md"
