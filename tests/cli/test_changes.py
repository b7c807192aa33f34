"""``sightline changes``: two snapshots, or two times, compared asset by asset."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from sightline.cli import main
from tests.cli.answered import answered_home
from tests.cli.conftest import Command, Mistake
from tests.cli.revisited import APPEARED, AT, CHANGED, NEW, OLD, OLDEST, VANISHED, fill_folder


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a home in which assets were seen again, below the present folder."""
    asyncio.run(fill_folder(tmp_path / ".sightline" / "warehouse"))
    return tmp_path / ".sightline"


def test_the_last_two_snapshots_are_compared(sightline: Command, home: Path) -> None:
    report = sightline("changes")
    assert (report["by"], report["before"], report["after"]) == ("snapshot", OLD, NEW)
    assert report["assets"] == {
        "appeared": 1, "vanished": 1, "changed": 1, "known_differently": 1, "same": 1
    }  # fmt: skip
    assert [asset["asset_id"] for asset in report["changed"]] == [CHANGED]
    assert [asset["asset_id"] for asset in report["appeared"]] == [APPEARED]
    assert [asset["asset_id"] for asset in report["vanished"]] == [VANISHED]
    (difference,) = report["changed"][0]["differences"]
    assert (difference["field"], difference["before"], difference["after"]) == (
        "kind",
        "stop",
        "yield",
    )
    fields = {field.pop("field"): field for field in report["fields"]}
    assert fields["kind"] == {"changed": 1, "newly_known": 1, "no_longer_known": 0}
    assert "note" not in fields
    assert sightline("changes", "--field", "count")["assets"]["same"] == 3


def test_what_vanished_means_is_said_wherever_it_stands(
    sightline: Command, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    appeared, vanished = sightline("changes", "--out", "a.parquet")["notes"]
    assert vanished.startswith("vanished: there are answers about the asset on the earlier side")
    assert "does not mean that it is gone" in vanished
    assert "does not mean that it is new" in appeared
    described = pq.read_schema(tmp_path / "a.parquet").field("change").metadata[b"description"]
    assert b"does not mean that it is gone" in described
    assert main(["changes", "--top", "0"]) == 0
    assert "does not mean that it is gone" in capsys.readouterr().err
    assert main(["changes", "--from-snapshot", OLDEST, "--to-snapshot", OLD]) == 0
    assert "does not mean that it is gone" not in capsys.readouterr().err


def test_snapshots_and_times_can_be_chosen(sightline: Command, home: Path) -> None:
    report = sightline("changes", "signs", "--from-snapshot", OLDEST, "--to-snapshot", OLD)
    assert report["assets"]["appeared"] == 3
    assert report["assets"]["same"] == 1
    assert sightline("changes", "--from-snapshot", OLDEST)["after"] == NEW
    assert sightline("changes", "--to-snapshot", OLD)["before"] == NEW
    by_time = sightline("changes", "--at", AT)
    assert by_time["by"] == "time"
    assert by_time["assets"]["changed"] == 1
    assert by_time["answers_before"] + by_time["answers_after"] == by_time["answers"]


def test_files_hold_a_row_an_asset(sightline: Command, home: Path, tmp_path: Path) -> None:
    for name in ("a.parquet", "a.geojson", "a.gpkg", "a.jsonl"):
        assert sightline("changes", "--out", name)["file"] == name
    rows = {row["subject_id"]: row for row in pq.read_table(tmp_path / "a.parquet").to_pylist()}
    assert len(rows) == 5
    assert rows[CHANGED]["changed_fields"] == ["kind"]
    assert (rows[CHANGED]["kind_before"], rows[CHANGED]["kind_after"]) == ("stop", "yield")
    assert rows[VANISHED]["change"] == "vanished"
    lines = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    assert {line["asset_id"]: line["change"] for line in lines} == {
        name: row["change"] for name, row in rows.items()
    }


def test_people_see_what_changed(
    sightline: Command, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["changes"]) == 0
    output = capsys.readouterr()
    assert output.out.startswith(f"signs: {OLD} (4 answers) and {NEW} (4)\n")
    assert f"{CHANGED}  kind   stop    yield  1.000" in output.out
    assert f"vanished: {VANISHED}\n" in output.out
    assert "that does not mean that it is gone: it may not have been photographed" in output.err
    assert "1 answers are on neither side" in output.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("trees",), "no task 'trees'"),
        (("--from-snapshot", "x"), f"is of snapshot 'x'; there are {OLDEST}, {OLD}, {NEW}"),
        (("--from-snapshot", OLD, "--to-snapshot", OLD), f"are both {OLD}; give two different"),
        (("--tolerance", "nan"), "see `sightline changes --help`"),
        (("--at", "soon"), "--at 'soon' is not a valid time; give one such as"),
        (("--at", AT, "--to-snapshot", OLD), "--at compares times, not snapshots"),
        (("--until", "2026-04-01"), "of one snapshot; give --at TIME to compare"),
        (("--field", "colour"), "signs has no field 'colour'; give one of kind, tilted"),
        (("--confidence", "colour"), "signs has no field 'colour'"),
        (("--asset-type", "painting"), "no answer of signs passes"),
    ],
)
def test_a_mistake_is_told_in_one_line(
    mistake: Mistake, home: Path, arguments: tuple[str, ...], message: str
) -> None:
    mistake("changes", *arguments, says=message)


def test_one_snapshot_is_too_few(mistake: Mistake, tmp_path: Path) -> None:
    mistake("changes", says="there are no answers yet; run `sightline enqueue`")
    answered_home(tmp_path)
    mistake("changes", "poles", says="of one snapshot; give --at TIME")
