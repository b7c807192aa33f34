"""The content of the ledgers that the account of all runs needs, in five small tables.

It is either built from all files, in memory, or kept in its own file (``remembered``), to which
only new files are added: files of ledgers never change. 128 bits of a part's key are kept, which
are enough to distinguish parts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from sightline.local.warehouse.engine import Session, parquet_select
from sightline.schema import (
    CLASSIFICATIONS,
    DEAD_LETTERS,
    RUN_EVENTS,
    RUNS,
    WORK_ITEMS,
    Ledger,
    duckdb_columns,
)

FILES_AT_A_TIME = 2000

_RESULTS = """
SELECT file, '{ledger}' AS ledger, run_id, md5(part_key)::UUID AS key, worker_id, subject_id,
  md5(concat_ws(chr(31), part_key, worker_id, attempt, epoch_us(written_at), input_tokens,
    output_tokens, cost_usd_micros))::UUID AS payment,
  input_tokens, output_tokens, cost_usd_micros
FROM rows
"""


@dataclass(frozen=True, slots=True)
class Part:
    """One table of the digest, with the query that derives its rows from a ledger's ``rows``.

    ``rows`` has the ledger's columns, and ``file``, the number of the file.
    """

    table: str
    columns: str
    select: str


ASKED = Part(
    "digest_runs",
    "file INTEGER, run_id VARCHAR, request VARCHAR, messages BIGINT, parts BIGINT,"
    " created_us BIGINT",
    "SELECT file, run_id, request, messages, parts, epoch_us(created_at) FROM rows",
)
EVENTS = Part(
    "digest_events",
    "file INTEGER, run_id VARCHAR, event VARCHAR, bucket BIGINT, start BIGINT, stop BIGINT",
    "SELECT file, run_id, event, bucket, start, stop FROM rows",
)
LISTED = Part(
    "digest_listed",
    "file INTEGER, run_id VARCHAR, bucket BIGINT, seq BIGINT, key UUID",
    "SELECT file, run_id, any_value(bucket), min(seq), md5(key)::UUID"
    " FROM (SELECT file, run_id, bucket, seq, unnest(part_keys) AS key FROM rows)"
    " GROUP BY file, run_id, key",
)
ASSETS = Part(
    "digest_assets",
    "file INTEGER, run_id VARCHAR, subject_id VARCHAR, images BIGINT",
    "SELECT file, run_id, subject_id, json_array_length(observations) FROM rows"
    " WHERE json_array_length(observations) > 1",
)
RESULTS_COLUMNS = (
    "file INTEGER, ledger VARCHAR, run_id VARCHAR, key UUID, worker_id VARCHAR, subject_id VARCHAR,"
    " payment UUID, input_tokens BIGINT, output_tokens BIGINT, cost_usd_micros BIGINT"
)
LETTERS = Part(
    "digest_letters",
    "file INTEGER, event_id VARCHAR, key UUID, run_id VARCHAR, event VARCHAR, reason VARCHAR,"
    " at_us BIGINT,"
    " worker_id VARCHAR, subject_id VARCHAR, input_tokens BIGINT, output_tokens BIGINT,"
    " cost_usd_micros BIGINT",
    "SELECT file, event_id, md5(part_key)::UUID, run_id, event, reason, epoch_us(rows.at),"
    " worker_id, subject_id, input_tokens, output_tokens, cost_usd_micros FROM rows",
)


def results_of(ledger: Ledger) -> Part:
    """Return the table of results, derived from a ledger of answers or embeddings."""
    return Part("digest_results", RESULTS_COLUMNS, _RESULTS.format(ledger=ledger.name))


TABLES: tuple[Part, ...] = (ASKED, EVENTS, LISTED, ASSETS, results_of(CLASSIFICATIONS), LETTERS)


class Digest:
    """The tables, in ``schema`` of a session's connection; ``main`` is in memory."""

    def __init__(self, session: Session, schema: str = "memory.main") -> None:
        self._session = session
        self._schema = schema
        for part in TABLES:
            session.sql(f"CREATE TABLE IF NOT EXISTS {schema}.{part.table} ({part.columns})")
        session.sql(
            f"CREATE TABLE IF NOT EXISTS {schema}.digest_files"
            " (file INTEGER, ledger VARCHAR, path VARCHAR)"
        )
        for name in (*(part.table for part in TABLES), "digest_files"):
            if schema != "memory.main":
                session.sql(f"CREATE VIEW memory.main.{name} AS FROM {schema}.{name}")

    def read_lists(self) -> None:
        """Add the runs, their published ranges, and their work lists."""
        self.read_events()
        self._take_in(RUNS, ASKED)
        self._take_in_lists()

    def read_events(self) -> None:
        """Add the events of runs."""
        self._take_in(RUN_EVENTS, EVENTS)

    def read_results(self) -> None:
        """Add the written and the dead parts."""
        self._take_in(DEAD_LETTERS, LETTERS)
        self._take_in(CLASSIFICATIONS, results_of(CLASSIFICATIONS))
        for ledger in self._session.store.embeddings_ledgers():
            self._take_in(ledger, results_of(ledger))

    def _take_in(self, ledger: Ledger, part: Part) -> None:
        store = self._session.store
        folder = store.folder(ledger)
        live = store.live_files(ledger)
        known = self._known(ledger.name)
        self._forget(part, [known[path] for path in known.keys() - live])
        self._add(ledger, (part,), {path: folder / path for path in live if path not in known})

    def _take_in_lists(self) -> None:
        """Add the work lists of existing runs: a list is complete before its run exists."""
        runs = {
            run_id for (run_id,) in self._session.rows("SELECT DISTINCT run_id FROM digest_runs")
        }
        known = self._known(WORK_ITEMS.name)
        taken_in = {path.rpartition("/")[0] for path in known}
        store = self._session.store
        new: dict[str, Path] = {}
        for run_id in runs:
            folder = store.work_list(run_id, 0).parent
            if folder.name not in taken_in:
                new |= {f"{folder.name}/{path.name}": path for path in store.buckets(run_id)}
        self._add(WORK_ITEMS, (LISTED, ASSETS), new)

    def _known(self, ledger: str) -> dict[str, int]:
        rows = self._session.rows(
            f"SELECT path, file FROM {self._schema}.digest_files WHERE ledger = ?",  # noqa: S608 - ours
            (ledger,),
        )
        return dict(rows)

    def _forget(self, part: Part, numbers: Sequence[int]) -> None:
        if not numbers:
            return
        self._session.connection.register("gone", pa.table({"file": list(numbers)}))
        for table in (part.table, "digest_files"):
            self._session.sql(
                f"DELETE FROM {self._schema}.{table} WHERE file IN (SELECT file FROM gone)"  # noqa: S608 - ours
            )
        self._session.connection.unregister("gone")

    def _add(self, ledger: Ledger, parts: Iterable[Part], files: dict[str, Path]) -> None:
        names = sorted(files)
        (start,) = self._session.rows(
            f"SELECT coalesce(max(file), 0) + 1 FROM {self._schema}.digest_files"  # noqa: S608 - ours
        )[0]
        for first in range(0, len(names), FILES_AT_A_TIME):
            chunk = names[first : first + FILES_AT_A_TIME]
            self._add_chunk(ledger, parts, [files[name] for name in chunk], chunk, start + first)

    def _add_chunk(
        self,
        ledger: Ledger,
        parts: Iterable[Part],
        paths: Sequence[Path],
        names: Sequence[str],
        start: int,
    ) -> None:
        session = self._session
        session.watch(ledger, paths)
        numbered = pa.table(
            {
                "file": pa.array(range(start, start + len(names)), pa.int32()),
                "ledger": [ledger.name] * len(names),
                "path": list(names),
                "filename": [str(path) for path in paths],
            }
        )
        session.connection.register("numbered", numbered)
        select = parquet_select(paths, duckdb_columns(ledger), with_filename=True)
        session.sql("BEGIN")
        for part in parts:
            session.sql(
                f"INSERT INTO {self._schema}.{part.table} WITH rows AS ("  # noqa: S608 - ours
                f"SELECT numbered.file, content.* EXCLUDE (filename) FROM ({select}) AS content"
                f" JOIN numbered USING (filename)) {part.select}"
            )
        session.sql(
            f"INSERT INTO {self._schema}.digest_files SELECT file, ledger, path FROM numbered"  # noqa: S608 - ours
        )
        session.sql("COMMIT")
        session.connection.unregister("numbered")
