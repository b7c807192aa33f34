"""What earlier versions have left behind, as files: how it is packed, and how it comes back."""

from __future__ import annotations

import json
import lzma
import tarfile
import urllib.request
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from scripts.environment import Environment
from scripts.servers import BigQueryEmulator
from tests.waiting import GIVE_UP_S

EXPECTED = "expected.json"
FLEETS = ("worker-pool", "job", "gke", "none")
CLOUD = "{cloud}"
"""Stands for the control plane's address in a stack's state."""
PAGE_ROWS = 500


def folder_of(version: str) -> Path:
    """Return the folder of what a version has left behind."""
    return Path(__file__).parent / version


def versions() -> list[str]:
    """Return the versions that have left something."""
    return sorted(path.name for path in Path(__file__).parent.glob("v*_*") if path.is_dir())


def pack_project(home: Path, archive: Path) -> None:
    """Pack a project's folder; neither owners nor modes of this machine are kept."""

    def anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.uid = member.gid = 0
        member.uname = member.gname = ""
        return member

    with tarfile.open(archive, "w:xz") as packed:
        packed.add(home, "home", filter=anonymous)


def unpack_project(archive: Path, folder: Path) -> Path:
    """Unpack a project's folder; return where its home is."""
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    return folder / "home"


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its schema as BigQuery's REST API has it, and its rows as JSON."""

    name: str
    schema: Mapping[str, Any]
    rows: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Dataset:
    """The tables and views of a dataset, and the table of observations that it was made from."""

    name: str
    tables: Sequence[Table]
    views: Mapping[str, str]

    @classmethod
    def read(cls, emulator: BigQueryEmulator, name: str) -> Dataset:
        """Read a dataset, and the table of observations beside it."""
        tables, views = [], {}
        for dataset in (f"{name}_source", name):
            for listed in _call(emulator, "GET", f"{dataset}/tables?maxResults=1000")["tables"]:
                table = listed["tableReference"]["tableId"]
                description = _call(emulator, "GET", f"{dataset}/tables/{table}")
                if "view" in description:
                    views[table] = description["view"]["query"]
                else:
                    where = f"{emulator.project}.{dataset}.{table}"
                    tables.append(
                        Table(f"{dataset}.{table}", description["schema"], _rows(emulator, where))
                    )
        return cls(name, tables, views)

    def load(self, emulator: BigQueryEmulator) -> None:
        """Make the tables again, with their rows; views are left to ``sightline setup``."""
        for dataset in (self.name, f"{self.name}_source"):
            reference = {"datasetReference": {"projectId": emulator.project, "datasetId": dataset}}
            _call(emulator, "POST", "", reference)
        for table in self.tables:
            dataset, _, name = table.name.partition(".")
            place = {"projectId": emulator.project, "datasetId": dataset, "tableId": name}
            body: dict[str, Any] = {"tableReference": place, "schema": table.schema}
            _call(emulator, "POST", f"{dataset}/tables", body)
            texts = {it["name"] for it in table.schema["fields"] if it["type"] == "JSON"}
            for start in range(0, len(table.rows), PAGE_ROWS):
                page = table.rows[start : start + PAGE_ROWS]
                rows = [{"json": _with_texts(row, texts)} for row in page]
                answer = _call(
                    emulator, "POST", f"{dataset}/tables/{name}/insertAll", {"rows": rows}
                )
                assert not answer.get("insertErrors"), answer

    def write(self, file: Path) -> None:
        """Write it to a file."""
        _write(file, asdict(self))

    @classmethod
    def from_file(cls, file: Path) -> Dataset:
        """Read it from a file."""
        kept = _read(file)
        return cls(kept["name"], [Table(**table) for table in kept["tables"]], kept["views"])


@dataclass(frozen=True, slots=True)
class KeptStack:
    """A stack: its settings, its exported state, and the calls that made what it names."""

    settings: Mapping[str, str]
    state: Mapping[str, Any]
    calls: Sequence[Mapping[str, Any]]

    @classmethod
    def of(cls, environment: Environment, settings: Mapping[str, str]) -> KeptStack:
        """Return what a stack leaves behind."""
        cloud = environment.cloud
        state = json.loads(environment.pulumi("stack", "export").replace(cloud.url, CLOUD))
        for resource in state["deployment"]["resources"]:
            for name in ("sourcePosition", "stackTrace"):  # they name files of this machine
                resource.pop(name, None)
        return cls(settings, state, cloud.changes())

    def restore(self, environment: Environment) -> None:
        """Make the calls again in an empty cloud, and give the stack its state."""
        environment.cloud.repeat(self.calls)
        text = json.dumps(self.state).replace(CLOUD, environment.cloud.url)
        environment.import_state(text)

    def write(self, file: Path) -> None:
        """Write it to a file."""
        _write(file, asdict(self))

    @classmethod
    def from_file(cls, file: Path) -> KeptStack:
        """Read it from a file."""
        return cls(**_read(file))


def _write(file: Path, kept: Any) -> None:
    with lzma.open(file, "wt", encoding="utf-8") as packed:
        json.dump(kept, packed, indent=0, sort_keys=True)


def _read(file: Path) -> Any:
    with lzma.open(file, "rt", encoding="utf-8") as packed:
        return json.load(packed)


def _call(emulator: BigQueryEmulator, verb: str, path: str, body: Any = None) -> Any:
    """Call BigQuery's REST API, below the project's datasets."""
    base = f"{emulator.endpoint}/bigquery/v2/projects/{emulator.project}/datasets"
    text = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    url = f"{base}/{path}" if path else base
    request = urllib.request.Request(url, text, headers, method=verb)
    with urllib.request.urlopen(request, timeout=GIVE_UP_S) as answer:
        return json.loads(answer.read() or b"{}")


def _rows(emulator: BigQueryEmulator, table: str) -> list[Mapping[str, Any]]:
    """Return a table's rows as BigQuery's REST API takes them."""
    client = bigquery.Client(
        emulator.project,
        AnonymousCredentials(),  # type: ignore[no-untyped-call]  # Google's has no types
        client_options={"api_endpoint": emulator.endpoint},
    )
    rows = client.query_and_wait(f"SELECT * FROM `{table}`")
    return [json.loads(json.dumps(dict(row), default=_as_json)) for row in rows]


def _with_texts(row: Mapping[str, Any], columns: AbstractSet[str]) -> Mapping[str, Any]:
    """Return a row whose JSON columns are texts, as they are inserted."""
    return {
        name: json.dumps(value) if name in columns and value is not None else value
        for name, value in row.items()
    }


def _as_json(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"a value of type {type(value)} is not expected in a ledger")
