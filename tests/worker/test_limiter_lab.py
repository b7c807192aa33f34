"""The adaptive limiter on simulated quotas, in virtual time: the goals that it reaches."""

from __future__ import annotations

import pytest

from bench.limiter_lab import sweep
from bench.limiter_lab.competitors import unseen
from bench.limiter_lab.plots import draw_run
from bench.limiter_lab.scenario_runs import BY_NAME, measure
from bench.limiter_lab.sweep import changed, read_constants
from worker.limiting.unseen_peers import growth


def measured(name: str, round_trip_s: float) -> dict[str, float]:
    run = BY_NAME[name].world(unseen, round_trip_s=round_trip_s, seed=1)
    return measure(BY_NAME[name], run.run(), round_trip_s)


@pytest.mark.parametrize("round_trip_s", [0.3, 2.0, 8.0])
def test_few_calls_are_refused_while_the_quota_steps_down_and_up(round_trip_s: float) -> None:
    measures = measured("steps", round_trip_s)
    assert measures["refused, %"] <= 1.5
    assert measures["refused while steady, %"] <= 1.0
    assert measures["s until 20"] <= 10


@pytest.mark.parametrize("round_trip_s", [0.3, 2.0, 8.0])
def test_a_quota_by_the_minute_is_used_without_running_into_it(round_trip_s: float) -> None:
    measures = measured("minutes", round_trip_s)
    assert measures["quota used, %"] >= 90
    assert measures["refused, %"] <= 2.0


@pytest.mark.parametrize("round_trip_s", [0.3, 2.0, 8.0])
def test_an_outage_is_probed_once_a_second_and_the_rate_comes_back(round_trip_s: float) -> None:
    measures = measured("outage", round_trip_s)
    assert measures["calls a second meanwhile"] <= 1.02
    assert measures["round trips until 90 %"] <= 10


def test_eight_workers_use_the_whole_quota() -> None:
    assert measured("eight", 2.0)["quota used, %"] >= 97


def test_a_heavy_tail_of_latencies_costs_little() -> None:
    measures = measured("tail", 2.0)
    assert measures["quota used, %"] >= 92
    assert measures["refused, %"] <= 1.5


def test_the_picture_of_a_run_is_always_the_same_file() -> None:
    steps = BY_NAME["steps"]
    calls = steps.world(unseen, round_trip_s=2.0, seed=0).run()

    def picture() -> str:
        return draw_run(calls, steps.schedule.rate_at, 360.0, title="steps", caption="one run")

    for text in ("steps", "one run", "quota", "answered 429", "360 s"):
        assert f">{text}</text>" in picture()
    assert picture() == picture()


def test_a_sweep_runs_the_limiter_with_other_constants_and_puts_them_back() -> None:
    usual, as_it_is = growth.CUT, measured("steps", 2.0)
    with changed(read_constants("unseen_peers.growth.CUT=0.4")):
        assert measured("steps", 2.0) != as_it_is
    assert usual == growth.CUT
    assert measured("steps", 2.0) == as_it_is


@pytest.mark.parametrize(
    "wrong", ["unseen_peers.growth.NONE=1", "nowhere.CUT=1", "unseen_peers.growth.CUT=x"]
)
def test_a_sweep_takes_numbers_of_the_limiter_only(wrong: str) -> None:
    with pytest.raises((ValueError, ModuleNotFoundError)):
        read_constants(wrong)


def test_a_sweep_without_constants_shows_the_limiter_as_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["sweep", "--scenario", "steps", "--seeds", "1"]
    monkeypatch.setattr("sys.argv", arguments)
    sweep.main()
    first = capsys.readouterr().out
    assert "as it is: quota used, %" in first
    monkeypatch.setattr("sys.argv", [*arguments, "--first-seed", "7"])
    sweep.main()
    assert capsys.readouterr().out != first
