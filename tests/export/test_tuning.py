"""Examples to tune with: as a worker asks, split by asset, and nothing left out in silence."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from sightline.errors import ConfigurationError
from sightline.export import TuningFiles
from sightline.export.tuning import is_held_out, tuning_paths
from sightline.gcp.gemini.question import content_of
from sightline.gcp.image_route import SentImage
from sightline.ports import AnswerRow
from tests.contracts.warehouse_rig import task
from tests.export.rows import NOWHERE, SPEC, row

SHARE = 0.25


def split(rows: list[AnswerRow], share: float = SHARE) -> tuple[Any, list[Any], list[Any]]:
    """Return the report, and the examples of training and of validation."""
    train, validation = io.BytesIO(), io.BytesIO()
    files = TuningFiles(train, validation, SPEC, share=share)
    files.write(rows[: len(rows) // 2])
    files.write(rows[len(rows) // 2 :])
    examples = [[orjson.loads(line) for line in file.getvalue().splitlines()]
            for file in (train, validation)]  # fmt: skip
    return files.report, examples[0], examples[1]


def uri(example: Any) -> str:
    """Return the image of an example."""
    return str(example["contents"][0]["parts"][0]["fileData"]["fileUri"])


def test_no_asset_is_in_both_files_and_nothing_is_lost() -> None:
    rows = [row(number) for number in range(4000)]
    report, train, validation = split(rows)
    asset_of = {answer_row.gcs_uri: answer_row.asset_id for answer_row in rows}
    assets = [{asset_of[uri(example)] for example in some} for some in (train, validation)]
    assert not assets[0] & assets[1]
    assert len(train) + len(validation) == 4000
    assert (report.train, report.validation) == (len(train), len(validation))
    assert len(validation) / 4000 == pytest.approx(SHARE, abs=0.03)


def test_the_split_is_the_same_each_time_and_grows_with_the_share() -> None:
    rows = [row(number) for number in range(400)]
    again = split(rows[::-1])
    small, large = split(rows), split(rows, 0.5)
    assert {uri(example) for example in small[2]} == {uri(example) for example in again[2]}
    assert {uri(example) for example in small[2]} < {uri(example) for example in large[2]}
    assert not is_held_out("anything", 0.0)
    assert is_held_out("anything", 1.0)


def test_an_image_without_an_asset_is_an_asset_of_its_own() -> None:
    rows = [replace(row(number), asset_id="") for number in range(200)]
    report, _, _ = split(rows)
    assert report.train > 0
    assert report.validation > 0


def test_an_example_asks_as_a_worker_does_and_answers_in_the_task_s_order() -> None:
    answer_row = row(3, gcs_uri="gs://bucket/a%20b/é.png")
    answer = dict(reversed([*answer_row.answer.items()]))
    _, train, validation = split([replace(answer_row, answer=answer)])
    (example,) = [*train, *validation]
    question, reply = example["contents"]
    image = SentImage("image/png", uri=answer_row.gcs_uri)
    assert question == content_of(SPEC, [image])
    assert reply["role"] == "model"
    (part,) = reply["parts"]
    assert list(json.loads(part["text"])) == [field.name for field in SPEC.fields]
    assert json.loads(part["text"]) == answer_row.answer


def test_what_is_no_example_is_counted_by_its_reason() -> None:
    local = row(1, gcs_uri="file:///a.jpg")
    wrong = row(2, answer={"kind": "no such kind"})
    report, train, validation = split([local, NOWHERE, wrong, row(3)])
    assert dict(report.left_out) == {"no_gs_uri": 1, "nothing_known": 1, "invalid": 1}
    assert len([*train, *validation]) == 1


def test_a_task_over_whole_assets_is_refused() -> None:
    spec = task("assets", by_asset=True)
    with pytest.raises(ConfigurationError, match="looks at all images of an asset together"):
        TuningFiles(io.BytesIO(), io.BytesIO(), spec, share=SHARE)


def test_the_two_files_are_named_after_the_one_that_is_given() -> None:
    assert tuning_paths(Path("x/a.b.jsonl")) == (
        Path("x/a.b.train.jsonl"),
        Path("x/a.b.validation.jsonl"),
    )
    assert tuning_paths(Path("a"))[0] == Path("a.train.jsonl")
