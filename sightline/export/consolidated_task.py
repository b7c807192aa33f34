"""Consolidated answers as rows of a task of their own, so that every export format takes them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, replace

import orjson

from sightline.analysis.consolidation import AssetAnswer
from sightline.ports import AnswerRow
from sightline.tasks import FieldSpec, TaskSpec


class ConsolidatedTask:
    """The columns of consolidated answers: the task's fields, and behind them what they rest on."""

    def __init__(self, task: TaskSpec) -> None:
        self._source = task
        taken = {one.name for one in task.fields}
        self._shares = {one.name: free_name(f"{one.name}_share", taken) for one in task.fields}
        self._observations = free_name("observations", taken)
        self._conflicts = free_name("conflicts", taken)
        self._evidence = free_name("evidence", taken)
        self.task = replace(
            task,
            fields=(
                *task.fields,
                *(
                    FieldSpec(name, "number", f"Share of the weight behind {of}.")
                    for of, name in self._shares.items()
                ),
                FieldSpec(self._observations, "integer", "Answers that it was made of."),
                FieldSpec(self._conflicts, "list", "Fields in which these differ."),
                FieldSpec(self._evidence, "string", "Who said what, as JSON."),
            ),
        )

    def row(self, one: AssetAnswer) -> AnswerRow:
        """Return the row of an asset; place, time and provenance are those of its newest answer."""
        answer = one.answer() | {
            self._shares[field.field]: field.share for field in one.fields if field.evidence
        }
        answer[self._observations] = len(one.subjects)
        answer[self._conflicts] = list(one.conflicts)
        answer[self._evidence] = orjson.dumps(
            {field.field: [asdict(some) for some in field.evidence] for field in one.fields}
        ).decode()
        return replace(one.newest, subject_id=one.asset_id, observation_id=None, answer=answer)

    @staticmethod
    def document(one: AssetAnswer) -> dict[str, object]:
        """Return all that is known of an asset, as a JSON document."""
        return {
            "asset_id": one.asset_id,
            "asset_type": one.newest.asset_type,
            "latitude": one.newest.latitude,
            "longitude": one.newest.longitude,
            "capture_time": one.newest.capture_time,
            "observations": list(one.subjects),
            "answer": one.answer(),
            "conflicts": list(one.conflicts),
            "fields": [asdict(field) for field in one.fields],
        }


def free_name(name: str, taken: Collection[str]) -> str:
    """Return a column's name that is not taken."""
    while name in taken:
        name += "_"
    return name
