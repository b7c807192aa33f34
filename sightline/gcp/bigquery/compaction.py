"""Compaction: deletes duplicate rows from the closed partitions of the ledgers.

Duplicates are rare (a retried append, a message delivered twice) and hidden by the views; they only
cost storage. They are counted first, from the key and time columns alone. Each day that has some is
then repaired in a transaction of its own: BigQuery reads and bills only that partition, and only
duplicate keys are touched. The transaction works on a snapshot: rows appended meanwhile, even to
that partition, are neither seen nor lost. If the process is killed, the transaction is rolled back.

BigQuery has these rules:

* A transaction of several statements may be unable to delete rows that the Storage Write API
  appended in the last 30 minutes. A day is therefore closed ``CLOSED_AFTER`` its end. If BigQuery
  still refuses a day, because late rows were appended to it, nothing changes: compact again later.
* If two transactions delete from one table at the same time, one is aborted. Appends continue.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from sightline.gcp.bigquery.client import BigQueryClient
from sightline.gcp.bigquery.tables import embeddings_tables
from sightline.ports import Compacted
from sightline.schema import CLASSIFICATIONS, DEAD_LETTERS, RUNS, Ledger, embeddings_ledger

CLOSED_AFTER = timedelta(hours=2)
"""How long after its end a day's rows may still arrive, or be too recent to be deleted."""

COMPACTED = (CLASSIFICATIONS, DEAD_LETTERS, RUNS)
"""The ledgers with fixed names that are compacted, in addition to all tables of vectors. The rows
of one key in ``observations`` are history, and the other ledgers have no keys."""

SPENT = ("input_tokens", "output_tokens", "cost_usd_micros")
"""The columns that are summed into the remaining row: two calls for a part have cost twice."""

DAYS_WITH_DUPLICATES = """
SELECT day, SUM(copies), SUM(copies - 1) FROM (
  SELECT DATE({time}) AS day, COUNT(*) AS copies
  FROM {table} AS ledger WHERE {time} < {until} GROUP BY day, {key}
)
GROUP BY day HAVING SUM(copies - 1) > 0 ORDER BY day
"""

# Of identical rows one remains and counts once; then one row of each key remains.
ONE_ROW_A_KEY = """
BEGIN TRANSACTION;

CREATE TEMP TABLE {kept} AS
SELECT {columns} FROM (
  SELECT * FROM {table} AS ledger
  WHERE {day} AND {key} IN (
    SELECT {key} FROM {table} AS ledger WHERE {day} GROUP BY {key} HAVING COUNT(*) > 1)
  QUALIFY ROW_NUMBER() OVER (PARTITION BY {key}, {first} ORDER BY {first}) = 1
) AS ledger
WHERE true
QUALIFY ROW_NUMBER() OVER (PARTITION BY {key} ORDER BY {first}) = 1;

DELETE FROM {table} AS ledger WHERE {day} AND {key} IN (SELECT {key} FROM {kept});

INSERT INTO {table} ({names}) SELECT {names} FROM {kept};

COMMIT TRANSACTION;
"""


@dataclass(frozen=True, slots=True)
class _Day:
    day: date
    rows: int
    duplicates: int


async def compact(
    client: BigQueryClient, *, now: datetime, everything: bool = False
) -> Sequence[Compacted]:
    """Delete the duplicates of days closed before ``now``; with ``everything``, of all days.

    Returns, for each ledger, the number of partitions with duplicates, and the number of rows left
    in them. A repeated call finds nothing to do. With ``everything``, BigQuery refuses while rows
    are younger than half an hour.

    Raises:
        TransientError: another compaction of the same day was faster; finished days remain
            compacted.
        ConfigurationError: BigQuery refuses; see ``sightline.gcp.failures``.
    """
    template = embeddings_ledger("any", 1)
    vectors = [replace(template, name=name) for name in await embeddings_tables(client)]
    last = now if everything else now - CLOSED_AFTER
    until = last.astimezone(UTC).date() + timedelta(days=int(everything))
    return [await _compact(client, ledger, until) for ledger in (*COMPACTED, *vectors)]


async def _compact(client: BigQueryClient, ledger: Ledger, until: date) -> Compacted:
    table, time = client.place.table(ledger.name), _time(ledger)
    rows = await client.rows(
        DAYS_WITH_DUPLICATES.format(
            table=table, time=time, key=ledger.key[0], until=_midnight(until)
        )
    )
    days = [_Day(*row) for row in rows]
    for day in days:
        await client.execute(_script(table, ledger, day.day))
    duplicates = sum(day.duplicates for day in days)
    return Compacted(
        ledger=ledger.name,
        partitions=len(days),
        rows=sum(day.rows for day in days) - duplicates,
        duplicates=duplicates,
    )


def _script(table: str, ledger: Ledger, day: date) -> str:
    """Return the script that compacts one day; all names in it come from the schema."""
    names, time, key = ledger.column_names(), _time(ledger), ledger.key[0]
    first = ", ".join([time, *(name for name in ("worker_id", "attempt") if name in names)])
    columns = (
        f"SUM({name}) OVER (PARTITION BY {key}) AS {name}" if name in SPENT else f"ledger.{name}"
        for name in names
    )
    return ONE_ROW_A_KEY.format(
        table=table,
        kept=f"kept_of_{ledger.name}",
        key=key,
        first=first,
        columns=", ".join(columns),
        names=", ".join(f"`{name}`" for name in names),
        # Literals, since parameters of a script do not reach temporary tables on every server.
        day=f"{time} >= {_midnight(day)} AND {time} < {_midnight(day + timedelta(days=1))}",
    )


def _time(ledger: Ledger) -> str:
    return f"ledger.`{ledger.partition_by}`"


def _midnight(day: date) -> str:
    return f"TIMESTAMP '{day:%Y-%m-%d} 00:00:00+00'"
