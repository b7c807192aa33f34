"""Vector indexes of BigQuery against a scripted client, step by step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from sightline.errors import ConfigurationError, NotFoundError, TransientError
from sightline.gcp.bigquery.client import BigQueryClient
from sightline.gcp.bigquery.place import BigQueryPlace
from sightline.gcp.bigquery.search_plan import STORED
from sightline.gcp.bigquery.vector_index import TRIES, BigQueryVectorIndexes

TABLE = "embeddings_demo_1_4"
AT = datetime(2026, 5, 4, 12, tzinfo=UTC)
DDL = (
    f"CREATE VECTOR INDEX `{TABLE}_cosine` ON t(embedding) STORING ({', '.join(STORED)}) OPTIONS ()"
)

Step = tuple[Any, ...] | Exception | None


def index_row(coverage: int, status: str = "ACTIVE", **changes: Any) -> tuple[Any, ...]:
    """Return a row of VECTOR_INDEXES."""
    row = {
        "index_name": f"{TABLE}_cosine",
        "index_status": status,
        "coverage_percentage": coverage,
        "unindexed_row_count": 0,
        "ddl": DDL,
        "disable_reason": None,
        "creation_time": AT,
        "last_refresh_time": AT if coverage else None,
        "total_storage_bytes": 12_345,
        **changes,
    }
    return tuple(row.values())


class ScriptedClient:
    """A client that returns scripted index rows, one for each poll, and records statements."""

    def __init__(
        self,
        script: Iterable[Step],
        *,
        rows: int = 100_000,
        size: int = 1 << 30,
        refuses: Exception | None = None,
        tables: tuple[str, ...] = (TABLE,),
    ) -> None:
        self.place = BigQueryPlace("p", "d")
        self.executed: list[str] = []
        self.looks = 0
        self._script: Iterator[Step] = iter(script)
        self._rows, self._size = rows, size
        self._refuses = refuses
        self._tables = tables

    async def tables(self) -> dict[str, str]:
        """Return the existing tables."""
        return dict.fromkeys(self._tables, "TABLE")

    async def rows(self, statement: str, /, **values: Any) -> list[tuple[Any, ...]]:
        """Return the next row of the script, or the existing models."""
        if "VECTOR_INDEXES" not in statement:
            return [("other", 8, 1234)]
        assert values == {"table": TABLE}
        self.looks += 1
        step = next(self._script)
        if isinstance(step, Exception):
            raise step
        return [step] if step else []

    async def value(self, statement: str, /, **_: Any) -> int:
        """Return a count of 0."""
        assert "COUNT(*)" in statement
        return 0

    async def execute(self, statement: str, /, **_: Any) -> None:
        """Record a statement."""
        if self._refuses:
            raise self._refuses
        self.executed.append(" ".join(statement.split()))

    async def use(self, work: Any) -> Any:
        """Return the facts of a table."""
        table = SimpleNamespace(num_rows=self._rows, num_bytes=self._size, streaming_buffer=None)
        return work(SimpleNamespace(get_table=lambda *_, **__: table))

    def request_options(self) -> dict[str, Any]:
        """Return nothing."""
        return {}


class Pauses(list[float]):
    """Records pauses instead of waiting."""

    async def __call__(self, pause_s: float) -> None:
        """Record a pause."""
        self.append(pause_s)


def indexes(client: ScriptedClient, pauses: Pauses | None = None) -> BigQueryVectorIndexes:
    """Return the adapter over a script."""
    wait = Pauses() if pauses is None else pauses
    return BigQueryVectorIndexes(cast(BigQueryClient, client), wait=wait)


async def create(
    client: ScriptedClient, *, pauses: Pauses | None = None, wait: bool = True
) -> tuple[Any, list[int]]:
    """Create the index, and return its state and the reported progress."""
    progress: list[int] = []
    state = await indexes(client, pauses).create(
        "demo-1", 4, on_progress=lambda done, _: progress.append(done), wait=wait
    )
    return state, progress


async def test_an_index_is_created_and_polled_until_it_covers_the_table() -> None:
    client = ScriptedClient([None, index_row(0), index_row(0), index_row(40), index_row(100)])
    pauses = Pauses()
    state, progress = await create(client, pauses=pauses)
    assert client.executed == [
        (
            f"CREATE VECTOR INDEX IF NOT EXISTS `{TABLE}_cosine` ON `p.d.{TABLE}`(embedding)"
            f" STORING ({', '.join(STORED)})"
            " OPTIONS (index_type = 'IVF', distance_type = 'COSINE',"
            " ivf_options = '{\"num_lists\": 316}')"
        )
    ]
    assert progress == [0, 0, 40, 100]
    assert pauses == [2.0, 5.0, 10.0]
    assert (state.condition, state.rows, state.covered) == ("ready", 100_000, 100_000)
    assert set(state.stored) == set(STORED)


async def test_an_index_that_is_being_built_is_only_polled() -> None:
    client = ScriptedClient([index_row(40), index_row(70), index_row(100)])
    state, progress = await create(client)
    assert client.executed == []
    assert (state.condition, progress) == ("ready", [40, 70, 100])


async def test_without_waiting_the_present_index_is_returned() -> None:
    state, progress = await create(ScriptedClient([None, index_row(0)]), wait=False)
    assert (state.condition, progress) == ("building", [])


@pytest.mark.parametrize(
    ("rows", "size", "message"),
    [
        (1_200, 1 << 30, "1,200 rows are fewer than the 5,000 that an index needs"),
        (9_000, 5 << 20, "5.0 MB are less than the 10 MB that an index needs"),
    ],
)
async def test_a_small_table_gets_no_index_and_the_reason_is_reported(
    rows: int, size: int, message: str
) -> None:
    client = ScriptedClient([None], rows=rows, size=size)
    with pytest.raises(ConfigurationError, match=message) as caught:
        await create(client)
    assert "\n" not in str(caught.value)
    assert client.executed == []


async def test_a_refused_definition_is_raised_without_polling() -> None:
    client = ScriptedClient([None], refuses=ConfigurationError("the dataset p.d refuses: no; see"))
    with pytest.raises(ConfigurationError, match="refuses: no"):
        await create(client)
    assert client.looks == 1


async def test_an_index_that_is_disabled_meanwhile_is_an_error_with_its_reason() -> None:
    disabled = index_row(0, "TEMPORARILY DISABLED", disable_reason="over the limit")
    client = ScriptedClient([None, index_row(0), disabled])
    with pytest.raises(ConfigurationError, match=r"temporarily disabled \(over the limit\)"):
        await create(client)


async def test_an_index_that_lacks_a_column_must_be_dropped_first() -> None:
    client = ScriptedClient([index_row(100, ddl="CREATE VECTOR INDEX i ON t(embedding)")])
    with pytest.raises(ConfigurationError, match=r"does not store model.*`sightline index drop`"):
        await create(client)


async def test_an_index_that_is_dropped_meanwhile_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="another process dropped it"):
        await create(ScriptedClient([index_row(10), None]))


async def test_polling_tolerates_a_few_failures() -> None:
    unreachable = TransientError("out of reach; try again")
    client = ScriptedClient([index_row(10), *[unreachable] * (TRIES - 1), index_row(100)])
    assert (await create(client))[0].condition == "ready"
    with pytest.raises(TransientError):
        await create(ScriptedClient([index_row(10), *[unreachable] * TRIES]))


@pytest.mark.parametrize(
    ("row", "condition", "covered"),
    [
        (None, "none", 0),
        (index_row(0), "building", 0),
        (index_row(40), "behind", 40_000),
        (index_row(100), "ready", 100_000),
        (index_row(100, "PERMANENTLY DISABLED"), "unusable", 100_000),
        (index_row(100, ddl="CREATE VECTOR INDEX i"), "unusable", 100_000),
    ],
)
async def test_the_status_states_whether_searches_use_the_index(
    row: Step, condition: str, covered: int
) -> None:
    state = await indexes(ScriptedClient([row])).status("demo-1", 4)
    assert (state.condition, state.covered) == (condition, covered)
    assert state.detail


async def test_an_index_over_a_table_grown_too_small_is_unusable() -> None:
    state = await indexes(ScriptedClient([index_row(0)], rows=10)).status("demo-1", 4)
    assert state.condition == "unusable"
    assert "10 rows are fewer" in state.detail


async def test_an_index_is_dropped_by_its_actual_name_and_dropping_may_be_repeated() -> None:
    client = ScriptedClient([index_row(100, index_name="mine"), None])
    assert await indexes(client).drop("demo-1", 4) is True
    assert await indexes(client).drop("demo-1", 4) is False
    assert client.executed == [f"DROP VECTOR INDEX IF EXISTS `mine` ON `p.d.{TABLE}`"]
    assert await indexes(ScriptedClient([], tables=())).drop("demo-1", 4) is False


async def test_the_error_names_the_models_that_have_vectors() -> None:
    for client in (ScriptedClient([], rows=0), ScriptedClient([], tables=("embeddings_other_8",))):
        with pytest.raises(NotFoundError, match="only 1,234 by other at 8"):
            await indexes(client).status("demo-1", 4)
    with pytest.raises(NotFoundError, match="run `sightline enqueue`"):
        await indexes(ScriptedClient([], tables=())).status("demo-1", 4)
