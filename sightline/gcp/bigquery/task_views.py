"""Creates the typed view of a task, ``<task>_current``, with a described column for each field."""

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
"""BigQuery's limit for the description of a column."""


async def put_task_view(client: BigQueryClient, task: TaskSpec) -> None:
    """Create or update a task's typed view; a name that a ledger or view has is left alone.

    Raises:
        TransientError, ConfigurationError: see ``sightline.gcp.failures``.
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
    """Return the query of a task's typed view.

    Its names have only letters, digits and underscores; other task files are rejected.
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
    """Set the descriptions of a view's columns, which a new view does not have."""
    full_name = f"{client.place.project}.{client.place.dataset}.{name}"

    def work(library: bigquery.Client) -> None:
        from google.cloud import bigquery

        schema = library.get_table(full_name, **client.request_options()).schema
        described = [
            bigquery.SchemaField(
                column.name,
                column.field_type,
                mode=column.mode,
                description=texts[column.name][:DESCRIPTION_CHARACTERS],
            )
            for column in schema
        ]
        if [column.description for column in described] != [
            column.description or "" for column in schema
        ]:
            view = bigquery.Table(full_name, schema=described)
            library.update_table(view, ["schema"], **client.request_options())

    await client.use(work)
