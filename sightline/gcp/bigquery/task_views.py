"""The typed view of a task: ``<task>_current``, with one column a field."""

from __future__ import annotations

from sightline.gcp.bigquery.client import BigQueryClient
from sightline.tasks import (
    VIEW_IDENTITY,
    VIEW_PROVENANCE,
    FieldSpec,
    TaskSpec,
    field_columns,
    view_name,
)

_TYPES = {"boolean": "BOOL", "integer": "INT64", "number": "FLOAT64"}


async def put_task_view(client: BigQueryClient, task: TaskSpec) -> None:
    """Make a task's typed view, or bring it to this form; a taken name is not replaced.

    Raises:
        TransientError, ConfigurationError: see ``failures``.
    """
    name = view_name(task)
    if name in client.place.names():
        return
    text = f"Answers of the task {task.name} at its active version, one column a field"
    await client.put_view(name, typed_select(client, task), text)


def typed_select(client: BigQueryClient, task: TaskSpec) -> str:
    """Return the query behind a task's typed view.

    The names in it are letters, digits and underscores: a task file with others is not read.
    """
    fields = (_field(one, column) for one, column in field_columns(task))
    columns = ",\n  ".join((*VIEW_IDENTITY, *fields, *VIEW_PROVENANCE))
    answers = client.place.table("classifications_current")
    return f"SELECT\n  {columns}\nFROM {answers}\nWHERE task = '{task.name}'"


def _field(one: FieldSpec, column: str) -> str:
    path = f"'$.{one.name}'"
    if one.type == "list":
        return f"JSON_VALUE_ARRAY(answer, {path}) AS `{column}`"
    text = f"JSON_VALUE(answer, {path})"
    kind = _TYPES.get(one.type)
    return f"SAFE_CAST({text} AS {kind}) AS `{column}`" if kind else f"{text} AS `{column}`"
