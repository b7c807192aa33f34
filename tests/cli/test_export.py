"""``sightline export``: files that others read, refusals of one line, and no half of a file."""

from __future__ import annotations

import csv
import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pyogrio
import pytest

from sightline.errors import StorageError
from sightline.local.warehouse import LocalAnswers
from sightline.ports import AnswerQuery, AnswerRow
from tests.cli.answered import IMAGES, SIGNS, answered_home
from tests.cli.conftest import Command, Mistake, Shown

ANSWERS = IMAGES - 1


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a home with answers, below the present folder of the command line."""
    return answered_home(tmp_path)


@pytest.mark.parametrize("name", ["a.parquet", "a.geoparquet", "a.geojson", "a.gpkg", "a.csv"])
def test_each_table_holds_every_current_answer(
    sightline: Command, home: Path, tmp_path: Path, name: str
) -> None:
    report = sightline("export", name, "--task", "signs")
    path = tmp_path / name
    assert report["files"] == [{"file": name, "rows": ANSWERS, "bytes": path.stat().st_size}]
    assert (report["fingerprint"], report["without_position"]) == (SIGNS.fingerprint, 1)
    assert report["changed_cells"] == (1 if name == "a.csv" else 0)
    match path.suffix:
        case ".geojson":
            rows = [feature["properties"] for feature in json.loads(path.read_text())["features"]]
        case ".csv":
            with path.open(encoding="utf-8", newline="") as file:
                rows = list(csv.DictReader(file))
        case ".gpkg":
            rows = pyogrio.read_arrow(path)[1].to_pylist()
        case _:
            rows = pq.read_table(path).to_pylist()
    assert [row["subject_id"] for row in rows] == [f"obs-{n:03d}" for n in range(ANSWERS)]
    assert rows[1]["note"] == ("'" if name == "a.csv" else "") + '=1+1,"x"\n'
    assert rows[1]["gcs_uri"] == "gs://bucket/snap-1/v0/obs-001.jpg"
    assert {row["kind"] for row in rows} == {"stop", "yield", "unknown"}


def test_a_format_may_be_named_and_a_filter_narrows_it(
    sightline: Command, home: Path, tmp_path: Path
) -> None:
    report = sightline("export", "a.parquet", "--task", "signs", "--format", "geoparquet",
                      "--asset-type", "utility_pole")  # fmt: skip
    assert report["files"][0]["rows"] == 5
    assert b"geo" in pq.read_metadata(tmp_path / "a.parquet").metadata


def test_a_file_that_is_there_is_replaced_only_when_that_is_asked(
    shown: Shown, mistake: Mistake, home: Path, tmp_path: Path
) -> None:
    path = tmp_path / "a.csv"
    path.write_text("mine")
    mistake("export", "a.csv", "--task", "signs",
            says="a.csv already exists; give another FILE, or --force to replace it")  # fmt: skip
    assert path.read_text() == "mine"
    assert shown("export", "a.csv", "--task", "signs", "--force")[0] == 0
    assert path.read_text().startswith("subject_id,")


def test_examples_are_split_by_asset_and_what_is_left_out_is_told(
    sightline: Command, home: Path, tmp_path: Path
) -> None:
    report = sightline("export", "a.jsonl", "--task", "signs", "--format", "tuning",
                      "--validation", "0.5")  # fmt: skip
    assert [file["file"] for file in report["files"]] == ["a.train.jsonl", "a.validation.jsonl"]
    assert report["left_out"] == {"dead": 1, "nothing_known": 1}
    uris = []
    for file in report["files"]:
        lines = (tmp_path / file["file"]).read_text().splitlines()
        assert len(lines) == file["rows"]
        uris.append([_image(json.loads(line)) for line in lines])
    assert sum(map(len, uris)) == ANSWERS - 1
    assets = [{int(uri[-7:-4]) // 2 for uri in some} for some in uris]
    assert not assets[0] & assets[1]


def _image(example: Any) -> str:
    return str(example["contents"][0]["parts"][0]["fileData"]["fileUri"])


def test_people_are_told_what_was_written(shown: Shown, home: Path) -> None:
    code, out, err = shown("export", "a.csv", "--task", "signs")
    assert code == 0
    assert "a.csv: 11 answers of signs, " in out
    assert "1 have no usable position" in out
    assert "1 texts that a spreadsheet would take for a formula" in err
    code, out, err = shown("export", "t.jsonl", "--task", "signs", "--format", "tuning",
                           "--validation", "0")  # fmt: skip
    assert code == 0
    assert "nothing_known" in out
    assert "one of the files is empty" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("a.xlsx", "--task", "signs"), "a.xlsx has no known suffix"),
        (("a.csv", "--format", "xlsx"), "--format 'xlsx' is not accepted; give one of parquet,"),
        (("a.csv",), "which task? give one of poles, signs"),
        (("a.csv", "--task", "trees"), "no task 'trees'; there are "),
        (("a.csv", "--task", "road_signs"), "road_signs has not been enqueued yet"),
        (("no/a.csv", "--task", "signs"), "there is no folder"),
        (("gs://bucket/a.csv", "--task", "signs"), "is not a local path"),
        ((".", "--format", "csv", "--task", "signs"), "is a folder"),
        (("a.csv", "--task", "signs", "--asset-type", "painting"), "no answer of signs passes"),
        (("a.csv", "--task", "signs", "--validation", "2"), "see `sightline export --help`"),
    ],
)
def test_a_mistake_is_told_in_one_line_and_writes_nothing(
    mistake: Mistake, home: Path, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    mistake("export", *arguments, says=message)
    assert [path.name for path in tmp_path.iterdir()] == [".sightline"]


def test_an_empty_warehouse_has_nothing_to_export(mistake: Mistake, tmp_path: Path) -> None:
    mistake("export", "a.csv", says="there are no answers yet; run `sightline enqueue`")
    assert not (tmp_path / "a.csv").exists()


def test_answers_that_cannot_be_read_to_their_end_leave_no_half_file(
    shown: Shown, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = LocalAnswers.pages

    async def broken(self: LocalAnswers, query: AnswerQuery) -> AsyncIterator[Sequence[AnswerRow]]:
        async for page in pages(self, query):
            yield page
        raise StorageError("the disk has gone; fix that")

    monkeypatch.setattr(LocalAnswers, "pages", broken)
    for name in ("a.parquet", "a.geojson", "a.csv"):
        code, _, err = shown("export", name, "--task", "signs")
        assert code == 4
        assert "the disk has gone" in err
    code, _, _ = shown("export", "a.jsonl", "--task", "signs", "--format", "tuning")
    assert code == 4
    assert [path.name for path in tmp_path.iterdir()] == [".sightline"]


def test_local_images_are_no_examples(shown: Shown, home: Path, tmp_path: Path) -> None:
    async def local(self: LocalAnswers, query: AnswerQuery) -> AsyncIterator[Sequence[AnswerRow]]:
        async for page in pages(self, query):
            yield [_at_home(answer_row) for answer_row in page]

    pages = LocalAnswers.pages
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LocalAnswers, "pages", local)
        code, _, err = shown("export", "a.jsonl", "--task", "signs", "--format", "tuning")
    assert code == 2
    assert "(11 no_gs_uri, 1 dead)" in err
    assert "sightline upload" in err
    assert [path.name for path in tmp_path.iterdir()] == [".sightline"]


def _at_home(answer_row: AnswerRow) -> AnswerRow:
    from dataclasses import replace

    return replace(answer_row, gcs_uri="file:///a.jpg")
