"""``sightline consolidate``: votes that can be counted by hand, files, and errors of one line."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from sightline.cli import main
from sightline.operations.reading import answers_by_asset
from tests.cli.answered import IMAGES, answered_home
from tests.cli.conftest import Command, Mistake

ASSETS = IMAGES // 2


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a home with answers, below the present folder of the command line."""
    return answered_home(tmp_path)


def test_one_answer_an_asset_and_its_conflicts(sightline: Command, home: Path) -> None:
    report = sightline("consolidate", "signs", "--half-life", "0")
    assert (report["answers"], report["assets"], report["without_asset"]) == (IMAGES - 1, ASSETS, 0)
    fields = {field.pop("field"): field for field in report["fields"]}
    # Images 0 and 1: yield and stop; 2 is unknown; 4 and 5, 8 and 9: yield and stop.
    assert fields["kind"] == {"agreed": 3, "conflict": 0, "tie": 3, "unknown": 0}
    assert fields["height"]["conflict"] == fields["note"]["tie"] == 0
    (first,) = [conflict for conflict in report["conflicts"] if conflict["asset_id"] == "asset-000"]
    kind = first["fields"][0]
    assert (kind["verdict"], kind["share"]) == ("tie", 0.5)
    assert {candidate["value"]: candidate["subjects"] for candidate in kind["evidence"]} == {
        "stop": ["obs-001"], "yield": ["obs-000"]
    }  # fmt: skip
    assert len(sightline("consolidate", "signs", "--top", "1")["conflicts"]) == 1
    report = sightline("consolidate", "signs", "--field", "note", "--confidence", "height")
    assert ([field["field"] for field in report["fields"]], report["conflicts"]) == (["note"], [])


def test_files_hold_a_row_an_asset(sightline: Command, home: Path, tmp_path: Path) -> None:
    for name in ("a.parquet", "a.geojson", "a.csv", "a.jsonl"):
        assert sightline("consolidate", "signs", "--out", name)["file"] == name
    table = pq.read_table(tmp_path / "a.parquet").to_pylist()
    assert [row["subject_id"] for row in table] == [f"asset-{n:03d}" for n in range(ASSETS)]
    assert table[0]["observations"] == 2
    assert "kind" in table[0]["conflicts"]
    lines = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    assert [line["answer"]["kind"] for line in lines] == [row["kind"] for row in table]
    features = json.loads((tmp_path / "a.geojson").read_text())["features"]
    with (tmp_path / "a.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == len(features) == ASSETS


def test_many_answers_are_gathered_in_pieces(
    sightline: Command, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = sightline("consolidate", "signs")
    monkeypatch.setattr(answers_by_asset, "ROWS_AT_ONCE", 2)
    monkeypatch.setattr(answers_by_asset, "_IN_MEMORY", 64)
    assert sightline("consolidate", "signs") == whole


def test_people_see_shares_and_images(
    sightline: Command, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["consolidate", "signs", "--half-life", "0", "--near", "52,5,50"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("signs: 1 answers about 1 assets, 0 of them in conflict\n")
    assert main(["consolidate", "signs", "--half-life", "0"]) == 0
    assert "stop 0.50 (1)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("trees",), "no task 'trees'; there are "),
        ((), "which task? give one of poles, signs"),
        (("signs", "--confidence", "colour"), "signs has no field 'colour'; give one of height"),
        (("signs", "--field", "colour"), "signs has no field 'colour'; give one of kind, tilted"),
        (
            ("signs", "--confidence", "kind"),
            "--confidence kind is not a number; give one of height",
        ),
        (("signs", "--asset-type", "painting"), "; `sightline stats signs` counts all"),
        (("signs", "--half-life", "nan"), "see `sightline consolidate --help`"),
        (("signs", "--out", "a.txt"), "has no known suffix"),
        (("signs", "--out", "nowhere/a.csv"), "there is no folder"),
    ],
)
def test_a_mistake_is_told_in_one_line(
    mistake: Mistake, home: Path, arguments: tuple[str, ...], message: str
) -> None:
    mistake("consolidate", *arguments, says=message)


def test_nothing_answered_says_how_to_go_on(mistake: Mistake) -> None:
    mistake("consolidate", says="there are no answers yet; run `sightline enqueue`")
