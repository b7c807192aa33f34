"""Estimates and pilots through the command line."""

from __future__ import annotations

import shlex

import pytest

from sightline.cli import main
from tests.cli.conftest import SCENES, Command
from tests.cli.test_budget import ANSWER_USD, IMAGE_USD, paid

__all__ = ["paid"]


def test_an_estimate_comes_before_anything_is_spent(paid: Command) -> None:
    estimate = paid("estimate", "--requests-per-minute", "60")
    assert (estimate["observations"], estimate["parts"]) == (SCENES, 2 * SCENES)
    assert estimate["cost_usd"] == pytest.approx(SCENES * (ANSWER_USD + IMAGE_USD))
    assert estimate["hours"] == pytest.approx(SCENES / 3600)
    assert {line["output_tokens_from_calls"] for line in estimate["lines"]} == {0}
    assert paid("status")["runs"] == []


def test_an_estimate_spells_out_what_it_assumes(
    paid: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["estimate", "--task", "road_signs"]) == 0
    output = capsys.readouterr().out
    assert "low 280, medium 560, high 1120" in output
    assert (
        "answers of 200 tokens, thought included, assumed, since the ledgers contain none" in output
    )
    assert "noop: the price from 2026-01-01 on" in output
    assert "how long is not known" in output


@pytest.mark.extended
def test_an_estimate_of_nothing_says_so_and_how_to_go_on(
    paid: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["estimate", "--asset-type", "painting"]) == 0
    output = capsys.readouterr()
    assert output.out.startswith("there is nothing to do: of 0 parts 0 are done")
    assert "US dollars" not in output.out
    expected = f"no observation passes: of {SCENES}, none pass --asset-type painting\n"
    assert output.err == expected
    paid("enqueue")
    assert main(["estimate"]) == 0
    output = capsys.readouterr()
    assert output.out.startswith(
        f"there is nothing to do: of {2 * SCENES:,} parts 0 are done, {2 * SCENES}"
    )
    assert "next: `sightline status`" in output.err


def test_a_pilot_measures_a_sample_and_its_results_count(paid: Command) -> None:
    report = paid("pilot", "--sample", "12")
    assert sum(stratum["messages"] for stratum in report["strata"]) == 12
    assert len(report["strata"]) == 3
    assert report["cost_usd"] == pytest.approx(12 * (ANSWER_USD + IMAGE_USD))
    assert report["rest_messages"] == SCENES - 12
    assert report["rest_usd"] == pytest.approx((SCENES - 12) * (ANSWER_USD + IMAGE_USD))
    assert len(report["answers"]) == 12
    assert report["enqueued"] is None
    rest = paid(*shlex.split(report["next"])[1:])
    assert (rest["messages"], rest["parts"]) == (SCENES - 12, 2 * (SCENES - 12))
    paid("work", "--drain")
    status = paid("status", "--check")
    assert sum(run["written"] for run in status["runs"]) == 2 * SCENES
    assert paid("pilot")["strata"] == []


@pytest.mark.extended
def test_a_pilot_may_enqueue_the_rest_with_a_budget(paid: Command) -> None:
    report = paid("pilot", "--sample", "6", "--asset-type", "road_sign", "--yes", "--max-cost", "0")
    (stratum,) = report["strata"]
    assert stratum["asset_type"] == "road_sign"
    assert report["enqueued"]["messages"] == report["rest_messages"]
    assert "--asset-type road_sign" in report["next"]
    paid("work", "--drain", code=5)


@pytest.mark.extended
def test_a_pilot_asks_nobody_who_cannot_answer(
    paid: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["pilot", "--sample", "3"]) == 0
    output = capsys.readouterr()
    assert "the sample cost $0.033" in output.out
    assert "next: `sightline enqueue --max-cost 0.59`" in output.err
    assert len(paid("status")["runs"]) == 3


def test_a_pilot_does_not_work_off_other_runs(
    paid: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    paid("enqueue", "--limit", "3")
    assert main(["pilot"]) == 2
    assert "3 messages of other runs are queued" in capsys.readouterr().err
