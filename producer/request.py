"""The request of a run: the answers to chosen tasks, and the embeddings."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from sightline.errors import NotFoundError
from sightline.model import AnswerPart, EmbeddingPart, Filter, PartRequest, RunRequest
from sightline.redaction import SECRETS
from sightline.settings import ModelSettings
from sightline.suggestions import did_you_mean
from sightline.tasks import TaskSpec


def choose_tasks(
    known: Mapping[str, TaskSpec], names: Sequence[str], models: ModelSettings
) -> list[TaskSpec]:
    """Return the named tasks, or all tasks that are bound to asset types, resolved to their models.

    Raises:
        NotFoundError: naming the missing task and the existing ones.
    """
    for name in names:
        if name not in known:
            there = ", ".join(sorted(known)) or "none"
            raise NotFoundError(
                f"no task {name!r}{did_you_mean(name, known)}; there are: {there}"
                " (`sightline tasks list`)"
            )
    chosen = [known[name] for name in names] or [
        task for task in known.values() if task.asset_types
    ]
    return [task.resolve(models.classify) for task in dict.fromkeys(chosen)]


def build_request(
    which: Filter, tasks: Sequence[TaskSpec], models: ModelSettings, *, embed: bool, command: str
) -> RunRequest:
    """Return the request for these tasks' answers and, with ``embed``, every image's embedding."""
    parts = [
        PartRequest(
            AnswerPart(task.name, task.fingerprint, task.model),
            task.asset_types,
            by_asset=task.multi_observation,
        )
        for task in tasks
    ]
    if embed:
        parts.append(PartRequest(EmbeddingPart(models.embed, models.embed_dimension)))
    return RunRequest(which, tuple(parts), command)


def request_json(request: RunRequest) -> str:
    """Return the request as stored in the ledger ``runs``."""
    return SECRETS.hide(json.dumps(asdict(request), default=str, sort_keys=True))
