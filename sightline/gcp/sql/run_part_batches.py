"""Reads the batches of a run from its request, for the engines that have no workers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sightline.errors import ConfigurationError
from sightline.model import AnswerPart, EmbeddingPart, Part, Run
from sightline.ports import PartBatch
from sightline.work_lists import engine_of


def part_batches_of(run: Run, engine: str) -> list[PartBatch]:
    """Return the batches of a run; none if it was cancelled or belongs to another engine.

    Raises:
        ConfigurationError: this version cannot read the request.
    """
    if run.state == "cancelled" or engine_of(run.request_json) != engine:
        return []
    request = json.loads(run.request_json)
    try:
        return [
            PartBatch(run.run_id, _part(requested["part"]), bool(requested.get("by_asset")))
            for requested in request["parts"]
        ]
    except (KeyError, TypeError) as error:
        raise ConfigurationError(
            f"the request of run {run.run_id} cannot be read ({error}); it was made by another"
            " version, which can also finish it"
        ) from error


def _part(raw: Mapping[str, Any]) -> Part:
    if "task" in raw:
        return AnswerPart(raw["task"], raw["fingerprint"], raw["model"])
    return EmbeddingPart(raw["model"], int(raw["dimension"]))
