"""The views over the ledgers: one row a key, the current answer, one typed view a task."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sightline.errors import StorageError
from sightline.local.warehouse.engine import (
    DEFAULT_OPTIONS,
    Connection,
    EngineOptions,
    Session,
    open_connection,
    quoted,
)
from sightline.local.warehouse.store import Store
from sightline.schema import (
    CLASSIFICATIONS,
    DEAD_LETTERS,
    LEDGERS,
    OBSERVATIONS,
    RUN_EVENTS,
    RUNS,
    TASK_VERSIONS,
    WORK_ITEMS,
    Ledger,
    duckdb_columns,
    embeddings_ledger,
)
from sightline.tasks import FieldSpec, TaskSpec, parse_task

# ``at`` is a reserved word (here and in BigQuery), hence written after its table's name.

ONE_ROW_A_PART = """
SELECT * FROM {ledger}
QUALIFY row_number() OVER (PARTITION BY part_key ORDER BY written_at, worker_id, attempt) = 1
"""

ACTIVE_TASKS = """
SELECT * FROM task_versions
QUALIFY row_number() OVER (PARTITION BY task ORDER BY task_versions.at DESC, fingerprint) = 1
"""

CLASSIFICATIONS_CURRENT = """
SELECT answered.*
FROM {answers} AS answered
JOIN tasks_active AS active
  ON answered.task = active.task AND answered.fingerprint = active.fingerprint
QUALIFY row_number() OVER (
  PARTITION BY answered.subject_id, answered.task
  ORDER BY answered.written_at DESC, answered.part_key) = 1
"""

OBSERVATIONS_CURRENT = """
SELECT * FROM observations
QUALIFY row_number() OVER (PARTITION BY observation_id ORDER BY written_at DESC, run_id DESC) = 1
"""

# A ``retried`` event only records what a failed call cost; the part lives on.
DEAD_LETTERS_LATEST = """
SELECT * FROM dead_letters
WHERE event IN ('dead', 'replayed', 'purged')
QUALIFY row_number() OVER (
  PARTITION BY part_key
  ORDER BY dead_letters.at DESC,
    CASE event WHEN 'purged' THEN 2 WHEN 'replayed' THEN 1 ELSE 0 END DESC,
    event_id DESC) = 1
"""

DEAD_LETTERS_CURRENT = "SELECT * FROM dead_letters_latest WHERE event = 'dead'"

RUNS_ONCE = """
SELECT * FROM runs
QUALIFY row_number() OVER (PARTITION BY run_id ORDER BY created_at) = 1
"""

RANGES_PUBLISHED = """
SELECT DISTINCT run_id, bucket, start, stop FROM run_events WHERE event = 'range_published'
"""

RUNS_CURRENT = """
SELECT
  asked.run_id,
  asked.created_at,
  CASE
    WHEN asked.run_id IN (SELECT run_id FROM run_events WHERE event = 'cancelled') THEN 'cancelled'
    WHEN coalesce(done.items, 0) >= asked.messages THEN 'published'
    ELSE 'open'
  END AS state,
  asked.messages,
  asked.parts,
  asked.request
FROM runs_once AS asked
LEFT JOIN (
  SELECT run_id, sum(stop - start) AS items FROM ranges_published GROUP BY run_id
) AS done ON done.run_id = asked.run_id
"""

# A run exists from its row in ``runs`` on; a list without one is a killed producer's leftover.
WORK_ITEMS_OF_RUNS = """
SELECT * FROM work_items WHERE run_id IN (SELECT run_id FROM runs)
"""

_VIEWS = (
    ("classifications_all", ONE_ROW_A_PART.format(ledger="classifications")),
    ("tasks_active", ACTIVE_TASKS),
    ("classifications_current", CLASSIFICATIONS_CURRENT.format(answers="classifications_all")),
    ("observations_current", OBSERVATIONS_CURRENT),
    ("dead_letters_latest", DEAD_LETTERS_LATEST),
    ("dead_letters_current", DEAD_LETTERS_CURRENT),
    ("runs_once", RUNS_ONCE),
    ("ranges_published", RANGES_PUBLISHED),
    ("runs_current", RUNS_CURRENT),
    ("work_items_current", WORK_ITEMS_OF_RUNS),
)
_NEEDS = {
    "classifications_all": (CLASSIFICATIONS,),
    "tasks_active": (TASK_VERSIONS,),
    "classifications_current": (CLASSIFICATIONS, TASK_VERSIONS),
    "observations_current": (OBSERVATIONS,),
    "dead_letters_latest": (DEAD_LETTERS,),
    "dead_letters_current": (DEAD_LETTERS,),
    "runs_once": (RUNS,),
    "ranges_published": (RUN_EVENTS,),
    "runs_current": (RUNS, RUN_EVENTS),
    "work_items_current": (WORK_ITEMS, RUNS),
}
EMBEDDING_COLUMNS = duckdb_columns(embeddings_ledger("any", 1))


def connect(root: Path, options: EngineOptions = DEFAULT_OPTIONS) -> Connection:
    """Return a DuckDB connection with all views over the warehouse as it is now.

    The snapshot is taken once: connect again to see what was written since.

    Raises:
        StorageError: the warehouse cannot be read.
    """
    store = Store(root)
    session = Session(store, open_connection(store, options))
    attach(session, *LEDGERS)
    attach_embeddings(session)
    for task in active_tasks(session):
        add_typed_view(session, task)
    return session.connection


def attach(session: Session, *ledgers: Ledger) -> None:
    """Make the views of these ledgers, over a snapshot taken now."""
    for ledger in ledgers:
        session.attach(ledger)
    for name, select in _VIEWS:
        if all(ledger.name in session.snapshots for ledger in _NEEDS[name]):
            session.sql(f"CREATE OR REPLACE VIEW {name} AS {select}")


def attach_embeddings(session: Session) -> None:
    """Make ``embeddings_<model>_<dimension>_all`` of each, and their union ``embeddings``.

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


def _empty_embeddings() -> str:
    typed = [one.rpartition(" ") for one in EMBEDDING_COLUMNS.split(", ")]
    return (
        "SELECT "
        + ", ".join(f"NULL::{kind} AS {name}" for name, _, kind in typed)
        + (" WHERE false")
    )


def active_tasks(session: Session) -> list[TaskSpec]:
    """Return the active version of each task; needs the ledger ``task_versions`` attached.

    Raises:
        StorageError: a task in the ledger cannot be read by this version of the program.
    """
    return [
        stored_task(toml, model, fingerprint)
        for toml, model, fingerprint in session.rows(
            "SELECT toml, model, fingerprint FROM tasks_active ORDER BY task"
        )
    ]


def stored_task(toml: str, model: str, fingerprint: str) -> TaskSpec:
    """Return the task of a row of ``task_versions``.

    Raises:
        StorageError: the text no longer means what its fingerprint says.
    """
    task = parse_task(toml, "task_versions").resolve(model)
    if task.fingerprint != fingerprint:
        raise StorageError(
            f"task {task.name} at {fingerprint[:12]} reads as {task.fingerprint[:12]} now; "
            "use the version of sightline that wrote it"
        )
    return task


_IDENTITY = (
    "subject_id", "observation_id", "asset_id", "snapshot_id", "asset_type", "gcs_uri",
    "latitude", "longitude", "capture_time",
)  # fmt: skip
_PROVENANCE = ("fingerprint", "model", "run_id", "written_at", "part_key")


def add_typed_view(session: Session, task: TaskSpec) -> None:
    """Make ``<task>_current``: one column a field; a name that is taken already is not replaced.

    A field named as a column of the ledger becomes ``<field>_answer``.
    """
    name = f"{task.name}_current"
    if any(name == built_in for built_in, _ in _VIEWS):
        return
    session.sql(f'CREATE OR REPLACE VIEW "{name}" AS {typed_select(task)}')


def typed_select(task: TaskSpec) -> str:
    """Return the query behind a task's typed view."""
    taken = {*_IDENTITY, *_PROVENANCE}
    fields = [_field(one, taken) for one in task.fields]
    columns = ",\n  ".join((*_IDENTITY, *fields, *_PROVENANCE))
    return f"SELECT\n  {columns}\nFROM classifications_current\nWHERE task = {quoted(task.name)}"


_TYPES = {"boolean": "BOOLEAN", "integer": "BIGINT", "number": "DOUBLE"}


def _field(one: FieldSpec, taken: Sequence[str] | set[str]) -> str:
    path = f"'$.{one.name}'"
    name = f"{one.name}_answer" if one.name in taken else one.name
    if one.type == "list":
        return f'CAST(json_extract(answer, {path}) AS VARCHAR[]) AS "{name}"'
    text = f"json_extract_string(answer, {path})"
    kind = _TYPES.get(one.type)
    return f'CAST({text} AS {kind}) AS "{name}"' if kind else f'{text} AS "{name}"'
