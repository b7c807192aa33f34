"""``sightline tune evaluate``: what is asked, what is left out, and what counts as right."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sightline.gcp.tuning import TuningRequest
from tests.cli.conftest import Command, Shown
from tests.cli.tuning_rig import IMAGES, SUBMIT, Beside, beside, bucket, known

__all__ = ["beside", "bucket"]

pytestmark = pytest.mark.needs("go")


def test_images_that_are_gone_are_left_out_for_both_models(
    sightline: Command, bucket: Any, beside: Beside
) -> None:
    job = sightline(*SUBMIT, "--yes")["job"]
    beside.answers.gone = range(IMAGES // 2)
    report = sightline("tune", "evaluate", job["name"])
    assert report["left_out"]["image_gone"] > 0
    assert report["left_out"]["image_gone"] + report["compared"] == report["asked"]
    assert {field["subjects"] for field in report["fields"]} == {report["compared"]}


@pytest.mark.extended
def test_calls_are_tried_again_as_a_worker_s_are(
    sightline: Command, bucket: Any, beside: Beside, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = sightline(*SUBMIT, "--yes")["job"]
    plain = sightline("tune", "evaluate", job["name"], "--sample", "12")
    monkeypatch.setenv("SIGHTLINE_WORKER__BACKOFF_S", "0.01")
    beside.control("faults", shares={"throttled": 0.2, "unavailable": 0.2})
    report = sightline("tune", "evaluate", job["name"], "--sample", "12")
    assert report["compared"] == 12
    assert report["fields"] == plain["fields"]
    assert report["calls"] > plain["calls"] == 24


def test_answers_of_no_use_count_as_wrong(sightline: Command, bucket: Any, beside: Beside) -> None:
    job = sightline(*SUBMIT, "--yes")["job"]
    beside.answers.rambles = True
    report = sightline("tune", "evaluate", job["name"], "--sample", "5")
    assert report["compared"] == 5
    assert report["failed"] == {"base": {"answer_invalid": 5}, "tuned": {"answer_invalid": 5}}
    assert {field["base"] for field in report["fields"]} == {0}


def test_a_job_of_another_program_cannot_be_evaluated(
    shown: Shown, sightline: Command, bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(TuningRequest, "labels", {"sightline_tuning": "other"})
        job = sightline(*SUBMIT, "--yes")["job"]
    code, _, err = shown("tune", "evaluate", job["name"])
    assert (code, err.count("\n")) == (2, 1)
    assert "was made by another program" in err


def test_what_cannot_be_compared_with_is_told_in_one_line(
    sightline: Command, shown: Shown, bucket: Any, tmp_path: Path
) -> None:
    job = sightline(*SUBMIT, "--yes")["job"]
    truth = tmp_path / "truth.jsonl"
    rows = [
        {"observation_id": f"obs-{n:03d}", "task": "signs", "truth": {"tilted": None}}
        for n in range(IMAGES)
    ]
    truth.write_text("".join(json.dumps(row) + "\n" for row in rows))
    code, _, err = shown("tune", "evaluate", job["name"], "--truth", str(truth))
    assert (code, "has the truth of signs about none of the" in err) == (2, True)
    truth.write_text('{"observation_id": "x", "task": "signs", "truth": {"tilted": "no"}}\n')
    code, _, err = shown("tune", "evaluate", job["name"], "--truth", str(truth))
    assert (code, "line 1: signs.tilted is never 'no'" in err) == (2, True)
    folder = job["validation_uri"].rpartition("/")[0].split("/", 3)[3]
    bucket.blob(f"{folder}/held_out.jsonl").upload_from_string(b"")
    code, _, err = shown("tune", "evaluate", job["name"])
    assert (code, err.count("\n")) == (2, 1)
    assert "held_out.jsonl is empty; put back what `sightline tune submit` wrote" in err


@pytest.mark.extended
def test_an_evaluation_keeps_to_its_budget_and_says_what_it_left_out(
    sightline: Command, shown: Shown, bucket: Any
) -> None:
    job = sightline(*SUBMIT, "--yes")["job"]
    whole = sightline("tune", "evaluate", job["name"], "--sample", "8")
    assert (whole["asked"], whole["compared"], whole["left_out"]) == (8, 8, {})
    least = whole["cost_usd"] / 2
    part = sightline("tune", "evaluate", job["name"], "--sample", "8", "--max-cost", str(least))
    assert part["cost_usd"] <= least
    assert part["left_out"]["over_budget"] == 8 - part["compared"] > 0
    code, out, err = shown("tune", "evaluate", job["name"], "--sample", "8", "--max-cost", "0")
    assert (code, "0 calls" in out) == (0, True)
    assert "nothing was compared: raise --max-cost" in err
    code, _, err = shown("tune", "evaluate", job["name"], "--max-cost", "1e400")
    assert (code, "--max-cost inf is not accepted" in err) == (2, True)


def test_truth_replaces_the_answers_that_were_held_out(
    sightline: Command, shown: Shown, bucket: Any, tmp_path: Path
) -> None:
    job = sightline(*SUBMIT, "--yes")["job"]
    truth = tmp_path / "truth.jsonl"
    rows = [
        {
            "observation_id": f"obs-{n:03d}",
            "task": "signs",
            "truth": {"tilted": not known(n)["tilted"]},
        }
        for n in range(IMAGES)
    ]
    truth.write_text("".join(json.dumps(row) + "\n" for row in rows))
    report = sightline("tune", "evaluate", job["name"], "--truth", str(truth))
    (tilted,) = report["fields"]
    assert tilted["field"] == "tilted"
    assert tilted["base"] < 0.5
    assert report["assets_without_truth"] == 0
    truth.write_text("".join(json.dumps(row) + "\n" for row in rows[: IMAGES // 2]))
    part = sightline("tune", "evaluate", job["name"], "--truth", str(truth))
    assert part["assets_without_truth"] > 0
    assert part["compared"] + part["assets_without_truth"] == report["compared"]
    few = sightline("tune", "evaluate", job["name"], "--truth", str(truth), "--sample", "3")
    assert few["compared"] == 3
    truth.write_text('{"observation_id": "x", "task": "signs", "truth": {}}\n')
    code, _, err = shown("tune", "evaluate", job["name"], "--truth", str(truth))
    assert code == 2
    assert "has the truth of signs about none of the" in err
