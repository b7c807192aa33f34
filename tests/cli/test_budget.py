"""Budgets through the command line, with models that pretend to cost something."""

from __future__ import annotations

from pathlib import Path

import pytest

from sightline.cli import main
from tests.cli.conftest import SCENES, Command, Mistake, Shown

PRICES = """
[[price]]
model = "noop"
since = 2026-01-01
output_usd = 50.0
usd_an_image = 0.001
"""
ANSWER_USD = 0.01
IMAGE_USD = 0.001


@pytest.fixture
def paid(
    sightline: Command, scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Command:
    """Return the command line over imported scenes and models that cost something."""
    (tmp_path / "prices.toml").write_text(PRICES)
    for name, value in (("CLASSIFY", "noop"), ("EMBED", "noop")):
        monkeypatch.setenv(f"SIGHTLINE_MODELS__{name}", value)
    monkeypatch.setenv("SIGHTLINE_PRICES", "prices.toml")
    sightline("import", str(scenes))
    return sightline


def test_a_budget_stops_the_work_and_a_larger_one_lets_it_go_on(paid: Command) -> None:
    run = paid("enqueue", "--max-cost", "0.2")["run_id"]
    worked = paid("work", "--drain", code=5)
    assert f"sightline budget {run} --max-cost 0.4" in worked["stopped_by"]
    status = paid("status", "--check")
    (run_status,) = status["runs"]
    assert (run_status["dead"], run_status["lost"]) == (0, 0)
    assert run_status["written"] + run_status["queued"] == 2 * SCENES
    assert 0.1 < run_status["cost_usd"] <= 0.2
    assert run_status["budget"]["reached"]
    assert run_status["budget"]["spent_usd"] == run_status["cost_usd"]
    assert run_status["budget"]["reserved_usd"] == pytest.approx(run_status["cost_usd"])
    assert paid("work", "--drain", code=5)["pulled"] == 0
    raised = paid("budget", run, "--max-cost", "20")
    assert raised["messages_hastened"] > 0
    assert not raised["budget"]["reached"]
    paid("work", "--drain")
    (run_status,) = paid("status", "--check")["runs"]
    assert run_status["written"] == 2 * SCENES
    assert run_status["cost_usd"] == pytest.approx(SCENES * (ANSWER_USD + IMAGE_USD))


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_a_price_file_that_is_broken_is_noticed_before_anything_is_published(
    paid: Command, shown: Shown, tmp_path: Path, form: tuple[str, ...]
) -> None:
    (tmp_path / "prices.toml").write_text("[[price]]\nmodel = 3\n")
    code, out, err = shown("enqueue", "--max-cost", "5", *form)
    assert (code, out) == (2, "")
    assert "prices.toml" in err
    (tmp_path / "prices.toml").write_text(PRICES)
    assert paid("status")["runs"] == []


@pytest.mark.extended
def test_a_number_of_images_is_a_budget_too(paid: Command) -> None:
    paid("enqueue", "--max-images", "10")
    worked = paid("work", "--drain", code=5)
    assert (worked["answers"], worked["embeddings"], worked["dead"]) == (10, 10, {})
    (run_status,) = paid("status", "--check")["runs"]
    assert (run_status["budget"]["spent_images"], run_status["budget"]["max_images"]) == (10, 10)


@pytest.mark.extended
def test_a_run_that_was_enqueued_without_a_budget_can_be_given_one(paid: Command) -> None:
    run = paid("enqueue")["run_id"]
    state = paid("budget", run)
    assert (state["budget"], state["spent_usd"]) == (None, 0)
    assert paid("budget", run, "--max-images", "5")["budget"]["max_images"] == 5
    assert paid("work", "--drain", code=5)["answers"] == 5
    assert paid("budget", run, "--max-cost", "9")["budget"]["max_images"] == 5


@pytest.mark.extended
def test_what_was_spent_before_a_budget_was_set_counts(paid: Command) -> None:
    run = paid("enqueue")["run_id"]
    paid("work", "--drain")
    budget = paid("budget", run, "--max-cost", "1")["budget"]
    assert budget["reserved_usd"] == pytest.approx(SCENES * (ANSWER_USD + IMAGE_USD))


@pytest.mark.extended
def test_the_worker_says_the_run_and_the_next_step(
    paid: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    run = paid("enqueue", "--max-cost", "0")["run_id"]
    assert main(["work", "--drain"]) == 5
    output = capsys.readouterr()
    assert output.err.splitlines()[-1] == (
        f"sightline: the budget of run {run}, $0.00, is reached, and nothing else is queued;"
        f" `sightline budget {run} --max-cost 0.01` raises it,"
        f" `sightline cancel {run}` ends the run"
    )
    assert "postponed because the run's budget is reached" in output.out
    assert main(["status"]) == 0
    assert f"the budget of {run} is reached" in capsys.readouterr().err
    assert main(["budget", run]) == 0
    assert "raise it with --max-cost" in capsys.readouterr().err
    paid("cancel", run)
    assert main(["status"]) == 0
    output = capsys.readouterr()
    assert "budget of run" in output.out
    assert "is reached" not in output.err, "nothing of a cancelled run waits for money"


def test_enqueue_says_how_far_a_budget_may_be_exceeded(
    paid: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["enqueue", "--max-cost", "5"]) == 0
    output = capsys.readouterr().err
    assert "budget: $5.00; workers reserve it before they call" in output
    assert "calls in flight (128 per worker at most)" in output
    assert "$0.0512 per answer" in output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("enqueue", "--max-cost", "-1"),
            "--max-cost -1 is not accepted; give a number from 0 to 1,000,000;",
        ),
        (("enqueue", "--max-cost", "nan"), "--max-cost nan is not accepted"),
        (("enqueue", "--max-images", "-1"), "--max-images -1 is not accepted; give 0 or more"),
        (("budget", "r1"), "no run r1; `sightline status` lists them"),
    ],
)
def test_a_budget_that_is_none_is_told(
    mistake: Mistake, arguments: tuple[str, ...], message: str
) -> None:
    mistake(*arguments, says=message)
