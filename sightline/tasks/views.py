"""A task's typed view, the same in every engine: its name, and the names of its columns."""

from __future__ import annotations

from collections.abc import Iterator

from sightline.tasks.spec import FieldSpec, TaskSpec

VIEW_IDENTITY = (
    "subject_id", "observation_id", "asset_id", "snapshot_id", "asset_type", "gcs_uri",
    "latitude", "longitude", "capture_time",
)  # fmt: skip
"""The columns before the task's fields: the subject."""

VIEW_PROVENANCE = ("fingerprint", "model", "run_id", "written_at", "part_key")
"""The columns after them: the provenance of the answer."""

_TAKEN = {*VIEW_IDENTITY, *VIEW_PROVENANCE}


def view_name(task: TaskSpec) -> str:
    """Return the name of a task's typed view."""
    return f"{task.name}_current"


def field_columns(task: TaskSpec) -> Iterator[tuple[FieldSpec, str]]:
    """Yield each field with the name of its column in the typed view.

    A field with the name of one of the other columns becomes ``<field>_answer``.
    """
    names = {field.name for field in task.fields}
    for field in task.fields:
        name = field.name
        while name in _TAKEN or (name != field.name and name in names):
            name += "_answer"
        yield field, name
