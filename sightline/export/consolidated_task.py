"""Consolidated answers as rows of their own task, so that every export format supports them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, replace

import orjson

from sightline.analysis.consolidation import AssetAnswer
from sightline.ports import AnswerRow
from sightline.tasks import FieldSpec, TaskSpec


class ConsolidatedTask:
    """The columns of consolidated answers: the task's fields, followed by their evidence."""

    def __init__(self, task: TaskSpec) -> None:
        self._source = task
        taken = {field.name for field in task.fields}
        self._shares = {
            field.name: free_name(f"{field.name}_share", taken) for field in task.fields
        }
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

    def row(self, asset_answer: AssetAnswer) -> AnswerRow:
        """Return the row of an asset; place, time and provenance are those of its newest answer."""
        answer = asset_answer.answer() | {
            self._shares[field.field]: field.share
            for field in asset_answer.fields
            if field.evidence
        }
        answer[self._observations] = len(asset_answer.subjects)
        answer[self._conflicts] = list(asset_answer.conflicts)
        answer[self._evidence] = orjson.dumps(
            {
                field.field: [asdict(some) for some in field.evidence]
                for field in asset_answer.fields
            }
        ).decode()
        return replace(
            asset_answer.newest,
            subject_id=asset_answer.asset_id,
            observation_id=None,
            answer=answer,
        )

    @staticmethod
    def document(asset_answer: AssetAnswer) -> dict[str, object]:
        """Return an asset with all details, as a JSON document."""
        return {
            "asset_id": asset_answer.asset_id,
            "asset_type": asset_answer.newest.asset_type,
            "latitude": asset_answer.newest.latitude,
            "longitude": asset_answer.newest.longitude,
            "capture_time": asset_answer.newest.capture_time,
            "observations": list(asset_answer.subjects),
            "answer": asset_answer.answer(),
            "conflicts": list(asset_answer.conflicts),
            "fields": [asdict(field) for field in asset_answer.fields],
        }


def free_name(name: str, taken: Collection[str]) -> str:
    """Return a column name that is not taken."""
    while name in taken:
        name += "_"
    return name
