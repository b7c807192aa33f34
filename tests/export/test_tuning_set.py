"""The folder that a tuning job is given: named by its content, and enough to judge its model."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from sightline.errors import ConfigurationError
from sightline.export import tuning_set
from sightline.export.tuning import is_held_out
from sightline.export.tuning_set import (
    HELD_OUT,
    TASK,
    TRAIN,
    VALIDATION,
    TuningSet,
    TuningSetReport,
    read_held_out,
    sampled,
)
from sightline.ports import AnswerRow
from sightline.tasks import parse_task
from tests.export.rows import SPEC, row

ROWS = [row(number) for number in range(200)]


def written(folder: Path, rows: list[AnswerRow], share: float = 0.25) -> TuningSetReport:
    folder.mkdir(exist_ok=True)
    with TuningSet(folder, SPEC, share=share) as examples:
        examples.write(rows[:7])
        examples.write(rows[7:])
        return examples.finish()


def lines(file: Path) -> list[str]:
    return file.read_text().splitlines()


def test_the_folder_holds_examples_and_what_is_needed_to_judge_the_model(tmp_path: Path) -> None:
    report = written(tmp_path / "a", ROWS)
    folder = tmp_path / "a"
    assert {path.name for path in folder.iterdir()} == {TRAIN, VALIDATION, HELD_OUT, TASK}
    held_out = list(read_held_out((folder / HELD_OUT).read_bytes(), "x"))
    assert len(lines(folder / TRAIN)) == report.examples.train
    assert len(lines(folder / VALIDATION)) == len(held_out) == report.examples.validation
    assert report.examples.train + report.examples.validation == len(ROWS)
    assert {example.asset_id for example in held_out} == {
        answer_row.asset_id for answer_row in ROWS if is_held_out(answer_row.asset_id, 0.25)
    }
    assert report.held_out_assets == len({example.asset_id for example in held_out})
    answers = {answer_row.subject_id: dict(answer_row.answer) for answer_row in ROWS}
    assert all(example.answer == answers[example.observation_id] for example in held_out)
    again = parse_task((folder / TASK).read_text(), TASK).resolve(SPEC.model)
    assert again.fingerprint == SPEC.fingerprint


def test_each_line_held_out_is_of_the_image_in_its_example(tmp_path: Path) -> None:
    written(tmp_path / "a", ROWS)
    examples = [json.loads(line) for line in lines(tmp_path / "a" / VALIDATION)]
    facts = [json.loads(line) for line in lines(tmp_path / "a" / HELD_OUT)]
    for example, fact in zip(examples, facts, strict=True):
        question, reply = example["contents"]
        assert question["parts"][0]["fileData"]["fileUri"] == fact["uri"]
        assert json.loads(reply["parts"][0]["text"]) == fact["answer"]


def test_the_same_examples_in_another_order_are_the_same_content(tmp_path: Path) -> None:
    first = written(tmp_path / "a", ROWS)
    assert written(tmp_path / "b", ROWS[::-1]).content == first.content
    fewer = written(tmp_path / "c", ROWS[1:])
    other = written(tmp_path / "d", ROWS, share=0.5)
    changed = [replace(ROWS[0], answer={**ROWS[0].answer, "kind": "yield"}), *ROWS[1:]]
    names = {report.content for report in (first, fewer, other, written(tmp_path / "e", changed))}
    assert len(names) == 4


def test_no_more_is_held_out_than_a_job_takes_and_the_choice_is_stable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tuning_set, "MOST_VALIDATION", 5)
    report = written(tmp_path / "a", ROWS)
    written(tmp_path / "b", ROWS[::-1])
    held_out = lines(tmp_path / "a" / HELD_OUT)
    assert len(held_out) == report.examples.validation == 5
    assert lines(tmp_path / "b" / HELD_OUT) == held_out
    total = sum(is_held_out(answer_row.asset_id, 0.25) for answer_row in ROWS)
    assert report.examples.left_out["beyond_validation_limit"] == total - 5


def test_more_than_a_job_takes_is_refused_before_it_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tuning_set, "MOST_TRAINING", 10)
    with pytest.raises(ConfigurationError, match="narrow them with a filter"):
        written(tmp_path / "a", ROWS)


def test_nothing_to_learn_or_nothing_to_judge_by_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="both are needed"):
        written(tmp_path / "a", ROWS, share=0.0)
    at_home = [replace(answer_row, gcs_uri="file:///a.jpg") for answer_row in ROWS]
    with pytest.raises(ConfigurationError, match=r"200 no_gs_uri.*sightline upload"):
        written(tmp_path / "b", at_home)


def test_a_sample_has_each_asset_once_and_grows_without_changing(tmp_path: Path) -> None:
    written(tmp_path / "a", ROWS)
    rows = list(read_held_out((tmp_path / "a" / HELD_OUT).read_bytes(), "x"))
    everything = sampled(rows, None)
    assets = [example.asset_id for example in everything]
    assert sorted(assets) == sorted({example.asset_id for example in rows})
    assert sampled(rows[::-1], 5) == everything[:5]


@pytest.mark.parametrize("raw", [b"{}", b"no JSON", b'{"observation_id": 1, "asset_id": 2}'])
def test_another_file_in_its_place_is_told_by_its_line(raw: bytes) -> None:
    with pytest.raises(ConfigurationError, match=r"held_out\.jsonl, line 1: .*submit"):
        list(read_held_out(raw, "held_out.jsonl"))
