"""Compaction: rows that a ledger holds twice are dropped from its closed partitions.

Duplicates are rare (a retry of an append, a message delivered twice) and hidden by the views; they
only cost. So they are counted first, by the key and time columns alone, and then each day that
has some is mended in a transaction of its own: only that partition is read and billed, and only
keys that are there twice are touched. The transaction works on a snapshot: rows appended meanwhile,
in that partition too, are neither seen nor lost. Killed half-way, it is rolled back.

BigQuery has rules about it:

* Rows that came by the Storage Write API in the last 30 minutes may be closed to what deletes in
  a transaction of several statements. A day is therefore closed ``CLOSED_AFTER`` its end. Where a
  day is refused all the same, since late rows came to it, nothing is changed: compact again later.
* Of two transactions that delete from one table at once, one is aborted; appends go on beside them.
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
"""Rows of a day may still be on their way, or too young to be deleted, so long after its end."""

COMPACTED = (CLASSIFICATIONS, DEAD_LETTERS, RUNS)
"""Those of fixed name; all vectors come on top. What ``observations`` holds of a key is history,
and the other ledgers have no keys."""

SPENT = ("input_tokens", "output_tokens", "cost_usd_micros")
"""What the row that stays takes over from those that go: a part paid twice has cost twice."""

DAYS_WITH_DUPLICATES = """
SELECT day, SUM(copies), SUM(copies - 1) FROM (
  SELECT DATE({time}) AS day, COUNT(*) AS copies
  FROM {table} AS ledger WHERE {time} < {until} GROUP BY day, {key}
)
GROUP BY day HAVING SUM(copies - 1) > 0 ORDER BY day
"""

# Of rows that are physically the same one stays, and counts once; then one of each key.
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
    """Drop the duplicates of days closed before ``now``, with ``everything`` of the open ones too.

    Returns, for each ledger, the partitions that held some, and these partitions' rows as they
    are left. A second time, nothing is left to be done. With ``everything`` BigQuery refuses while
    rows are younger than half an hour.

    Raises:
        TransientError: another compaction of the same day was faster; what is done stays done.
        ConfigurationError: BigQuery refuses; see ``failures``.
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
    """Return the script that mends one day; every name in it is the schema's."""
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
        # Literals: a script's parameters do not reach its temporary tables everywhere.
        day=f"{time} >= {_midnight(day)} AND {time} < {_midnight(day + timedelta(days=1))}",
    )


def _time(ledger: Ledger) -> str:
    return f"ledger.`{ledger.partition_by}`"


def _midnight(day: date) -> str:
    return f"TIMESTAMP '{day:%Y-%m-%d} 00:00:00+00'"
