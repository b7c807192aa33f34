"""The views over the ledgers: one row per key, the current answers, one typed view per task."""

from __future__ import annotations

from pathlib import Path

from sightline.local.warehouse.engine import (
    DEFAULT_OPTIONS,
    Connection,
    EngineOptions,
    Session,
    open_connection,
    quoted,
)
from sightline.local.warehouse.source_files import LATEST_OF_SOURCE, attach_source
from sightline.local.warehouse.store import Store
from sightline.schema import (
    CURRENT_ANSWERS,
    DUCKDB_TYPES,
    LEDGERS,
    ONE_ROW_A_PART,
    VIEWS,
    Ledger,
    duckdb_columns,
    embeddings_ledger,
)
from sightline.tasks import (
    VIEW_IDENTITY,
    VIEW_PROVENANCE,
    FieldSpec,
    TaskSpec,
    field_columns,
    stored_task,
    view_name,
)

_NAMES = {
    name: name for name in (*(ledger.name for ledger in LEDGERS), *(view.name for view in VIEWS))
}
"""The names of ledgers and views here: their own."""

EMBEDDING_COLUMNS = duckdb_columns(embeddings_ledger("any", 1))


def connect(
    root: Path, options: EngineOptions = DEFAULT_OPTIONS, *, source: Path | None = None
) -> Connection:
    """Return a DuckDB connection with all views over the current warehouse.

    With ``source``, the folder of the imported rows, their views are there, too. The snapshot is
    taken once: connect again to see later writes.

    Raises:
        StorageError: the warehouse cannot be read.
    """
    store = Store(root)
    reads = () if source is None else (source.absolute(),)
    session = Session(store, open_connection(store, options, reads=reads))
    for folder in reads:
        attach_source(session, folder)
        session.sql(LATEST_OF_SOURCE)
    attach(session, *LEDGERS)
    attach_embeddings(session)
    for task in active_tasks(session):
        add_typed_view(session, task)
    return session.connection


def attach(session: Session, *ledgers: Ledger) -> None:
    """Create the views of these ledgers, over a new snapshot."""
    for ledger in ledgers:
        session.attach(ledger)
    for view in VIEWS:
        if all(name in session.snapshots for name in view.ledgers):
            session.sql(f"CREATE OR REPLACE VIEW {view.name} AS {view.sql(_NAMES)}")


def attach_embeddings(session: Session) -> None:
    """Create ``embeddings_<model>_<dimension>_all`` for each, and their union ``embeddings``.

    ``embeddings_rows`` is the union with physical duplicates.
    """
    ledgers = session.store.embeddings_ledgers()
    for ledger in ledgers:
        session.attach(ledger)
        select = ONE_ROW_A_PART.format(ledger=f'"{ledger.name}"')
        session.sql(f'CREATE OR REPLACE VIEW "{ledger.name}_all" AS {select}')
    for name, suffix in (("embeddings_rows", ""), ("embeddings_all", "_all")):
        tables = [f'"{ledger.name}{suffix}"' for ledger in ledgers]
        selects = [f"SELECT * FROM {table}" for table in tables]  # noqa: S608 - our own names
        union = " UNION ALL ".join(selects) or _empty_embeddings()
        session.sql(f"CREATE OR REPLACE VIEW {name} AS {union}")
    session.sql("CREATE OR REPLACE VIEW embeddings AS SELECT * FROM embeddings_all")


def current_among(rows: str) -> str:
    """Return the query of the current answers among these rows of ``classifications``."""
    every = ONE_ROW_A_PART.format(ledger=f"({rows})")
    return CURRENT_ANSWERS.format(answers=f"({every})", tasks_active="tasks_active")


def _empty_embeddings() -> str:
    typed = [column.rpartition(" ") for column in EMBEDDING_COLUMNS.split(", ")]
    return (
        "SELECT "
        + ", ".join(f"NULL::{kind} AS {name}" for name, _, kind in typed)
        + (" WHERE false")
    )


def active_tasks(session: Session) -> list[TaskSpec]:
    """Return the active version of each task; requires that ``task_versions`` is attached.

    Raises:
        StorageError: this version of the program cannot interpret a task in the ledger.
    """
    return [
        stored_task(toml, model, fingerprint)
        for toml, model, fingerprint in session.rows(
            "SELECT toml, model, fingerprint FROM tasks_active ORDER BY task"
        )
    ]


def add_typed_view(session: Session, task: TaskSpec) -> None:
    """Create ``<task>_current``, with one column per field, unless the name is already in use."""
    name = view_name(task)
    if name in _NAMES:
        return
    session.sql(f'CREATE OR REPLACE VIEW "{name}" AS {typed_select(task)}')


def typed_select(task: TaskSpec) -> str:
    """Return the query behind a task's typed view."""
    fields = (_field(field, column) for field, column in field_columns(task))
    columns = ",\n  ".join((*VIEW_IDENTITY, *fields, *VIEW_PROVENANCE))
    return f"SELECT\n  {columns}\nFROM classifications_current\nWHERE task = {quoted(task.name)}"


def _field(field: FieldSpec, column: str) -> str:
    path = f"'$.{field.name}'"
    if field.type == "list":
        return f'CAST(json_extract(answer, {path}) AS VARCHAR[]) AS "{column}"'
    text = f"json_extract_string(answer, {path})"
    kind = DUCKDB_TYPES[field.form.column]
    return f'{text} AS "{column}"' if kind == "VARCHAR" else f'CAST({text} AS {kind}) AS "{column}"'
