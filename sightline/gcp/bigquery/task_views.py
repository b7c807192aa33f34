"""The typed view of a task: ``<task>_current``, with one column a field, and its description."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sightline.gcp.bigquery.client import BigQueryClient
from sightline.schema import CLASSIFICATIONS
from sightline.tasks import (
    VIEW_IDENTITY,
    VIEW_PROVENANCE,
    FieldSpec,
    TaskSpec,
    field_columns,
    view_name,
)

if TYPE_CHECKING:
    from google.cloud import bigquery

DESCRIPTION_CHARACTERS = 1024
"""What BigQuery takes as the description of a column."""


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
    ledger = {column.name: column.description for column in CLASSIFICATIONS.columns}
    fields = {column: field.description for field, column in field_columns(task)}
    await _describe(client, name, ledger | fields)


def typed_select(client: BigQueryClient, task: TaskSpec) -> str:
    """Return the query behind a task's typed view.

    The names in it are letters, digits and underscores: a task file with others is not read.
    """
    fields = (_field(field, column) for field, column in field_columns(task))
    columns = ",\n  ".join((*VIEW_IDENTITY, *fields, *VIEW_PROVENANCE))
    answers = client.place.table("classifications_current")
    return f"SELECT\n  {columns}\nFROM {answers}\nWHERE task = '{task.name}'"


def _field(field: FieldSpec, column: str) -> str:
    path = f"'$.{field.name}'"
    if field.type == "list":
        return f"JSON_VALUE_ARRAY(answer, {path}) AS `{column}`"
    text = f"JSON_VALUE(answer, {path})"
    kind = field.form.column
    return (
        f"{text} AS `{column}`"
        if kind == "STRING"
        else f"SAFE_CAST({text} AS {kind}) AS `{column}`"
    )


async def _describe(client: BigQueryClient, name: str, texts: Mapping[str, str]) -> None:
    """Let the columns of a view be described by these texts; a view is made without any."""
    full_name = f"{client.place.project}.{client.place.dataset}.{name}"

    def work(library: bigquery.Client) -> None:
        from google.cloud import bigquery

        there = library.get_table(full_name, **client.how()).schema
        described = [
            bigquery.SchemaField(
                column.name,
                column.field_type,
                mode=column.mode,
                description=texts[column.name][:DESCRIPTION_CHARACTERS],
            )
            for column in there
        ]
        if [column.description for column in described] != [
            column.description or "" for column in there
        ]:
            view = bigquery.Table(full_name, schema=described)
            library.update_table(view, ["schema"], **client.how())

    await client.use(work)
