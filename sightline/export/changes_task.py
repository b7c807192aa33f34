"""Changes as rows of their own task, so that every export format supports them."""

from __future__ import annotations

from dataclasses import asdict, replace

from sightline.analysis.changes import MEANINGS, Change
from sightline.analysis.consolidation import AssetAnswer, Value
from sightline.export.consolidated_task import free_name
from sightline.ports import AnswerRow
from sightline.tasks import FieldSpec, TaskSpec

_MEANINGS = " ".join(f"{meaning.capitalize()}." for meaning in MEANINGS.values())


class ChangesTask:
    """The columns of changes: how the asset changed, and each field before and after."""

    def __init__(self, task: TaskSpec) -> None:
        self._names = {
            field.name: (f"{field.name}_before", f"{field.name}_after") for field in task.fields
        }
        taken = {name for pair in self._names.values() for name in pair}
        self._change = free_name("change", taken)
        self._changed = free_name("changed_fields", taken)
        self._sureness = free_name("sureness", taken)
        both = [
            replace(field, name=name, values=())
            for field in task.fields
            for name in self._names[field.name]
        ]
        self.task = replace(
            task,
            fields=(
                FieldSpec(self._change, "string", f"What became of the asset. {_MEANINGS}"),
                FieldSpec(self._changed, "list", "Fields that changed."),
                FieldSpec(self._sureness, "number", "Share of the weight behind the change."),
                *both,
            ),
        )

    def row(self, change: Change) -> AnswerRow:
        """Return the row of an asset; place, time and provenance are those of its newest answer."""
        last = change.after or change.before
        assert last is not None  # at least one of both exists
        answer: dict[str, object] = {
            self._change: change.kind,
            self._changed: [some.field for some in change.differences if some.kind == "changed"],
            self._sureness: change.sureness,
        }
        for place, view in enumerate((change.before, change.after)):
            for field, value in _values(view):
                answer[self._names[field][place]] = value
        return replace(last.newest, subject_id=change.asset_id, observation_id=None, answer=answer)

    @staticmethod
    def document(change: Change) -> dict[str, object]:
        """Return a change with all details, as a JSON document."""
        last = change.after or change.before
        assert last is not None  # at least one of both exists
        return {
            "asset_id": change.asset_id,
            "asset_type": last.newest.asset_type,
            "latitude": last.newest.latitude,
            "longitude": last.newest.longitude,
            "change": change.kind,
            "sureness": round(change.sureness, 6),
            "differences": [asdict(some) for some in change.differences],
            **{
                side: None if view is None else
                {"observations": list(view.subjects), "answer": view.answer()}
                for side, view in (("before", change.before), ("after", change.after))
            },
        }  # fmt: skip


def _values(view: AssetAnswer | None) -> list[tuple[str, Value | list[str] | None]]:
    if view is None:
        return []
    return [
        (field.field, list(field.value) if isinstance(field.value, tuple) else field.value)
        for field in view.fields
    ]
