"""``sightline tune``: submitted once, found again, used by workers."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sightline.cli import EXIT_INTERRUPTED
from sightline.gcp.tuning import JobWatch
from sightline.operations.tuning import jobs
from tests.cli.answered import SIGNS
from tests.cli.conftest import Command, Shown
from tests.cli.tuning_rig import BASE_MODEL, IMAGES, SUBMIT, Beside, beside, bucket, known

__all__ = ["beside", "bucket"]

pytestmark = pytest.mark.needs("go")


def test_a_job_is_submitted_once_and_its_model_is_told_from_its_base(
    sightline: Command, bucket: Any, beside: Beside
) -> None:
    beside.pace(pending_s=0.05, running_s=0.05)
    report = sightline(*SUBMIT, "--yes", "--epochs", "2")
    plan, job = report["plan"], report["job"]
    assert report["submitted"]
    assert (job["state"], job["base_model"], job["epochs"]) == ("SUCCEEDED", BASE_MODEL, 2)
    assert plan["training"]["examples"] + plan["validation"]["examples"] == IMAGES
    assert plan["held_out_assets"] * 2 == plan["validation"]["examples"]
    assert plan["usd"] is None
    names = {blob.name.rpartition("/")[2] for blob in bucket.list_blobs()}
    assert names == {"train.jsonl", "validation.jsonl", "held_out.jsonl", "task.toml"}

    again = sightline(*SUBMIT, "--yes", "--epochs", "2")
    assert (again["submitted"], again["job"]["name"]) == (False, job["name"])
    other = sightline(*SUBMIT, "--yes", "--epochs", "3")
    assert other["submitted"]
    assert len(sightline("tune", "list", "--location", "us-central1")) == 2

    comparison = sightline("tune", "evaluate", job["name"])
    fields = {field["field"]: field for field in comparison["fields"]}
    assert comparison["compared"] == plan["held_out_assets"]
    assert comparison["calls"] == 2 * comparison["compared"]
    assert comparison["cost_usd"] > 0
    assert fields["kind"]["base"] < 0.3 < fields["kind"]["tuned"]
    assert fields["kind"]["verdict"] == "better"
    assert fields["kind"]["low"] > 0
    assert fields["tilted"]["verdict"] == "not told apart"
    assert fields["tilted"]["difference"] == 0
    assert fields["damage"]["base"] == fields["damage"]["tuned"] == 1
    assert comparison["not_compared"] == ["height", "note"]


def test_nothing_is_sent_before_somebody_agrees(shown: Shown, bucket: Any) -> None:
    code, out, err = shown(*SUBMIT)
    assert code == 0
    assert f"signs: tunes {BASE_MODEL} in us-central1" in out
    assert "nothing is submitted; next: the same command with --yes" in err
    assert "what a training token of" in err
    assert list(bucket.list_blobs()) == []


@pytest.mark.parametrize("agrees", [True, False])
def test_somebody_at_a_terminal_is_asked(
    shown: Shown, sightline: Command, bucket: Any, monkeypatch: pytest.MonkeyPatch, agrees: bool
) -> None:
    questions: list[str] = []

    def confirm(question: str, **_: Any) -> bool:
        questions.append(question)
        return agrees

    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("typer.confirm", confirm)
    assert shown(*SUBMIT)[0] == 0
    assert questions == ["submit it?"]
    assert len(sightline("tune", "list", "--location", "us-central1")) == int(agrees)


def test_a_price_of_training_is_multiplied_by_tokens_and_epochs(
    sightline: Command, bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prices = tmp_path / "prices.toml"
    prices.write_text(
        f'[[price]]\nmodel = "{BASE_MODEL}"\nsince = 2026-06-01\n'
        "input_usd = 0.3\noutput_usd = 2.5\ntraining_usd = 2.0\n"
    )
    monkeypatch.setenv("SIGHTLINE_PRICES", str(prices))
    plan = sightline(*SUBMIT, "--epochs", "3")["plan"]
    assert plan["usd"] == pytest.approx(3 * 2e-6 * plan["tokens_an_epoch"])


def test_a_job_whose_answer_is_lost_is_found_and_not_made_twice(
    sightline: Command, bucket: Any, beside: Beside
) -> None:
    beside.pace(lose_answers=1)
    assert sightline(*SUBMIT, "--yes")["submitted"]
    assert len(sightline("tune", "list", "--location", "us-central1")) == 1


def test_a_failed_job_is_told_and_does_not_stand_in_the_way(
    sightline: Command, shown: Shown, bucket: Any, beside: Beside
) -> None:
    beside.pace(error="The accelerators were lost.")
    code, _, err = shown(*SUBMIT, "--yes")
    assert code == 2
    assert "is FAILED: The accelerators were lost; fix the cause and submit again" in err
    beside.pace(error="")
    assert sightline(*SUBMIT, "--yes")["submitted"]
    assert [job["state"] for job in sightline("tune", "list", "--location", "us-central1")] == [
        "SUCCEEDED",
        "FAILED",
    ]


def test_an_interrupted_command_is_taken_up_by_the_same_one(
    sightline: Command,
    shown: Shown,
    bucket: Any,
    beside: Beside,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    beside.pace(running_s=3600)
    with monkeypatch.context() as patch:
        patch.setattr(jobs, "JobWatch", partial(JobWatch, sleep=interrupt))
        code, out, err = shown(*SUBMIT, "--yes")
    assert code == EXIT_INTERRUPTED
    assert "is submitted" in out
    assert "it continues without this command" in err
    beside.pace(running_s=0)
    again = sightline(*SUBMIT)
    assert (again["submitted"], again["job"]["state"]) == (False, "SUCCEEDED")
    assert len(sightline("tune", "list", "--location", "us-central1")) == 1


def test_a_job_goes_on_without_its_command_and_can_be_cancelled(
    sightline: Command, shown: Shown, bucket: Any, beside: Beside
) -> None:
    beside.pace(pending_s=0, running_s=3600)
    job = sightline(*SUBMIT, "--yes", "--no-wait")["job"]
    assert job["state"] == "RUNNING"
    assert sightline("tune", "status", job["name"])["state"] == "RUNNING"
    code, _, err = shown("tune", "evaluate", job["name"])
    assert (code, err.count("\n")) == (2, 1)
    assert "is RUNNING and has no model to evaluate" in err
    number = job["name"].rpartition("/")[2]
    assert sightline("tune", "cancel", number, "--location", "us-central1")["state"] == "CANCELLED"
    code, _, err = shown("tune", "status", job["name"], "--wait")
    assert code == 2
    assert "is CANCELLED" in err
    code, _, err = shown("tune", "cancel", job["name"])
    assert (code, err) == (0, "")


def test_a_job_that_has_ended_is_cancelled_too_late_and_that_is_said(
    sightline: Command, shown: Shown, bucket: Any
) -> None:
    job = sightline(*SUBMIT, "--yes")["job"]
    code, out, err = shown("tune", "cancel", job["name"])
    assert (code, "state     succeeded" in out) == (0, True)
    number = job["name"].rpartition("/")[2]
    assert f"too late: tuning job {number} has ended, succeeded, and is not cancelled" in err
    assert "too late" in shown("tune", "cancel", job["name"], "--json")[2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--location", "global"), "tuning jobs run in a region"),
        (("--model", "demo-1"), "'demo-1' cannot be tuned; give --model"),
        (("--adapter-size", "3"), "--adapter-size 3 is not accepted; accepted: 1, 2, 4, 8, 16"),
        (("--asset-type", "painting"), "no answer of signs passes"),
        (("--validation", "0.01", "--near", "52.0,5.0,100"), "and both are needed"),
        (("--bucket", "gs://no-such-bucket-here"), "does not exist; run `gcloud storage buckets"),
        (("--bucket", "?"), "--bucket '?' is not accepted"),
    ],
)
def test_a_mistake_is_told_in_one_line_and_submits_nothing(
    shown: Shown, sightline: Command, bucket: Any, arguments: tuple[str, ...], message: str
) -> None:
    code, _, err = shown(*SUBMIT, "--yes", *arguments, "--json")
    assert code == 2
    assert message in err.splitlines()[-1]
    assert sightline("tune", "list", "--location", "us-central1") == []


@pytest.mark.parametrize(
    ("refuse", "code", "message"),
    [
        ("PERMISSION_DENIED", 2, "grant roles/aiplatform.user"),
        ("RESOURCE_EXHAUSTED", 1, "wait for a job to end"),
        ("UNAVAILABLE", 1, "try again in a moment"),
    ],
)
def test_what_google_refuses_is_told_in_one_line(
    shown: Shown, bucket: Any, beside: Beside, refuse: str, code: int, message: str
) -> None:
    beside.pace(refuse=refuse)
    code_of, _, err = shown(*SUBMIT, "--yes", "--json")
    assert code_of == code
    assert message in err.splitlines()[-1]
    assert "http://" not in err


def test_people_are_told_who_is_better_and_how_to_use_it(shown: Shown, bucket: Any) -> None:
    code, out, err = shown(*SUBMIT, "--yes")
    assert code == 0
    assert f'tuned_from = "{BASE_MODEL}"' in out
    name = next(line.split()[-1] for line in out.splitlines() if line.startswith("job "))
    assert f"sightline tune evaluate {name}" in err
    code, out, err = shown("tune", "evaluate", name)
    assert code == 0
    assert "better" in out
    assert "not told apart" in out
    assert "which a model or a person gave" in err
    assert BASE_MODEL in shown("tune", "list", "--location", "us-central1")[1]


def test_workers_answer_with_the_tuned_model_at_the_price_of_its_base(
    sightline: Command,
    shown: Shown,
    bucket: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    endpoint = sightline(*SUBMIT, "--yes")["job"]["endpoint"]
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "signs.toml").write_text(SIGNS.toml)
    monkeypatch.setenv("SIGHTLINE_TASKS_DIR", str(tmp_path / "tasks"))
    monkeypatch.setenv("SIGHTLINE_MODELS__CLASSIFY", endpoint)
    table = tmp_path / "images.csv"
    numbers = range(1, 6)
    table.write_text(
        "observation_id,asset_id,asset_type,gcs_uri,latitude,longitude\n"
        + "".join(f"o{n},a{n},road_sign,gs://b/{n}.jpg,52.0,5.0\n" for n in numbers)
    )
    sightline("import", str(table))
    prices = tmp_path / "prices.toml"
    entry = f'model = "{endpoint}"\nsince = 2026-01-01\ntuned_from = "{BASE_MODEL}"\n'
    prices.write_text(f"[[price]]\n{entry}")
    options = ("--task", "signs", "--no-embed")
    with monkeypatch.context() as patch:
        patch.setenv("SIGHTLINE_PRICES", str(prices))
        assert sightline("estimate", *options)["cost_usd"] > 0
    sightline("enqueue", *options)
    code, _, err = shown("work", "--drain")
    assert code == 2
    assert "that of a tuned model says tuned_from" in err
    monkeypatch.setenv("SIGHTLINE_PRICES", str(prices))
    sightline("work", "--drain")
    rows = sightline(
        "sql",
        "SELECT subject_id, answer, cost_usd_micros FROM classifications_all"
        f" WHERE model = '{endpoint}' ORDER BY subject_id",
    )
    assert [row["subject_id"] for row in rows] == [f"o{n}" for n in numbers]
    kinds = [json.loads(row["answer"])["kind"] for row in rows]
    assert kinds == [known(n)["kind"] for n in numbers]
    assert all(row["cost_usd_micros"] > 0 for row in rows)
