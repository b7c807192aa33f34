"""What the live views show: rates, curves, when it is done; all of it with time passed in."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from math import inf

import pytest

from sightline.cli.watching.drawing import draw_status, draw_work
from sightline.cli.watching.words import duration, rate, share, sparkline, usd
from sightline.cli.watching.work_state import WorkState, WorkView
from sightline.model import Balance, Run
from sightline.operations.status import RunStatus, Status
from sightline.operations.watching.status_state import StatusState
from sightline.operations.watching.trend import History, Trend
from sightline.ports import Backlog, RunCost
from tests.docs.views import STATUS, WORK
from tests.telemetry.rig import FOUND
from worker.limiting import LimiterState
from worker.progress import Progress


def test_a_trend_is_the_growth_over_its_window() -> None:
    trend = Trend(10.0)
    assert (trend.latest, trend.per_s()) == (None, None)
    for second in range(21):
        trend.saw(second, 5 * second if second <= 10 else 50 + 2 * (second - 10))
    assert trend.per_s() == 2.0
    assert trend.latest == 70


def test_too_short_a_time_proves_nothing() -> None:
    trend = Trend(10.0)
    trend.saw(0.0, 100)
    trend.saw(0.5, 90)
    assert trend.per_s() is None
    assert trend.zero_in_s(0.5) is None
    trend.saw(1.0, 80)
    assert trend.per_s() == -20.0


def test_the_end_comes_nearer_between_two_looks() -> None:
    trend = Trend(120.0)
    trend.saw(0.0, 1000)
    trend.saw(15.0, 700)
    assert trend.zero_in_s(15.0) == 35.0
    assert trend.zero_in_s(20.0) == 30.0
    assert trend.zero_in_s(99.0) == 0.0


def test_what_does_not_fall_has_no_end() -> None:
    trend = Trend(120.0)
    trend.saw(0.0, 1000)
    trend.saw(15.0, 1000)
    assert trend.zero_in_s(15.0) is None
    trend.saw(30.0, 1200)
    assert trend.zero_in_s(30.0) is None
    trend.saw(31.0, 0)
    assert trend.zero_in_s(31.0) == 0.0


def test_a_trend_keeps_no_more_than_its_window() -> None:
    trend = Trend(10.0)
    for second in range(10_000):
        trend.saw(second, second)
    assert len(trend._seen) <= 12


def test_a_history_keeps_the_last_value_of_each_of_its_latest_slots() -> None:
    history = History(5.0, most=3)
    for second in range(30):
        history.saw(second, second)
    assert history.values == (19, 24, 29)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "-"), (0.4, "0 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (3599, "59 min 59 s"),
     (3600, "1 h 00 min"), (5254, "1 h 27 min"), (200_000, "2 d 07 h")],
)  # fmt: skip
def test_a_duration_is_said_in_its_two_largest_units(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


def test_numbers_are_said_with_as_many_digits_as_tell_something() -> None:
    assert [rate(value) for value in (None, 0.26, 99.94, 1234.5)] == [
        "-",
        "0.3/s",
        "99.9/s",
        "1,234/s",
    ]
    assert [usd(value) for value in (None, 0, 0.0123, 12.3, 1234)] == [
        "-", "$0.00", "$0.0123", "$12.30", "$1,234.00"
    ]  # fmt: skip
    assert [share(value) for value in (None, 0.0, 0.0123)] == ["-", "0.0 %", "1.2 %"]


def test_a_sparkline_goes_from_zero_to_the_highest() -> None:
    assert sparkline([0, 25, 50, 100]) == "▁▃▅█"
    assert sparkline([0, 0]) == "▁▁"
    assert sparkline([]) == ""


def worked(seconds: int, state: WorkState) -> WorkView:
    """Return the view after so many seconds of ten messages, 20 calls and a dollar each."""
    view = None
    for at in range(seconds + 1):
        progress = Progress(
            acked=10 * at, answers=10 * at, calls=20 * at, throttled=at, retries=at // 2,
            cost_usd_micros=1_000_000 * at, dead=Counter(image_gone=at),
        )  # fmt: skip
        state.saw_left(1000.0 + at, 5000 - 10 * at, "messages")
        view = state.view(1000.0 + at, progress, {"classify": replace(FOUND, rate_per_s=20.0 + at)})
    assert view is not None
    return view


def test_a_worker_is_shown_with_its_rates_and_its_end() -> None:
    view = worked(100, WorkState("w1", 1000.0))
    assert (view.seconds, view.messages) == (100, 1000)
    assert (view.messages_per_s, view.messages_per_s_average) == (10, 10)
    assert view.share_refused == pytest.approx(0.05)
    assert (view.cost_usd, view.cost_usd_per_hour) == (100, 3600)
    assert (view.left, view.left_unit, view.eta_s) == (4000, "messages", 400)
    limiter = view.limiters["classify"]
    assert (limiter.state, limiter.rate_per_s, limiter.in_flight) == ("steady", 120, 17)
    assert limiter.curve[-2:] == (119, 120)


def test_at_its_start_nothing_is_said_that_nobody_can_know() -> None:
    view = WorkState("w1", 0.0).view(0.0, Progress(), {"embed": replace(FOUND, rate_per_s=inf)})
    assert view.messages_per_s is view.messages_per_s_average is view.share_refused is None
    assert view.left is view.eta_s is view.cost_usd_per_hour is None
    assert view.limiters["embed"].rate_per_s is None
    json.dumps(view.as_dict(), allow_nan=False)
    assert "no ceiling" in draw_work(view, ascii_only=False).plain


def test_where_the_queue_does_not_tell_parts_are_what_is_left() -> None:
    state = WorkState("w1", 0.0)
    state.saw_left(0.0, 4000, "parts")
    state.saw_left(15.0, 3700, "parts")
    view = state.view(20.0, Progress(), {})
    assert (view.left, view.left_unit, view.eta_s) == (3700, "parts", 180)


def test_the_picture_fits_into_80_columns() -> None:
    wide = replace(
        WORK,
        limiters={"classify": replace(WORK.limiters["classify"], state="slow_start",
                                      rate_per_s=12_345.0, in_flight=1_000, cap=1_024)},
        calls=100_000_000, retries=999_999, messages=99_999_999, answers=99_999_999,
        embeddings=99_999_999, left=99_999_999, cost_usd=99_999.99, stopping=True,
    )  # fmt: skip
    for text in (draw_work(wide, ascii_only=False), draw_status(STATUS, ascii_only=False)):
        assert max(map(len, text.plain.splitlines())) <= 80


def test_a_terminal_without_blocks_gets_none() -> None:
    screens = [draw_work(WORK, ascii_only=True), draw_status(STATUS, ascii_only=True)]
    assert all(text.plain.isascii() for text in screens)


def test_a_view_tells_what_is_wrong() -> None:
    text = draw_work(replace(WORK, leases_lost=3, stopping=True), ascii_only=False).plain
    assert "leases lost   3" in text
    assert "stopping" in text
    (first, *others) = STATUS.runs
    with_lost = replace(STATUS, runs=(replace(first, lost=5, holds=False), *others))
    text = draw_status(with_lost, ascii_only=False).plain
    assert "5 lost" in text
    assert "does not balance" in text


def run_status(run_id: str, written: int) -> RunStatus:
    """Return a published run of a thousand parts of which so many are written."""
    run = Run(run_id, datetime(2026, 3, 14, tzinfo=UTC), "published", 1000, 1000, "{}")
    queued = 1000 - written
    balance = Balance(run_id, 1000, written, 0, queued, 0, 0, 0, awaiting_ack=0, duplicates=0)
    return RunStatus(run, balance, RunCost(0, 0, cost_usd_micros=10_000 * written))


def status(written: int) -> Status:
    """Return the status of two runs, one of which is done."""
    runs = [run_status("r0", 1000), run_status("r1", written)]
    return Status(runs, Backlog(1000 - written, 0, 1.0), {})


def test_runs_are_shown_with_their_rates_and_the_open_ones_first() -> None:
    state = StatusState()
    for at in range(10):
        view = state.view(2.0 * at, status(50 * at))
    assert [run.run_id for run in view.runs] == ["r1", "r0"]
    assert (view.parts_per_s, view.left, view.eta_s) == (25, 550, 22)
    assert view.cost_usd_per_hour == pytest.approx(0.25 * 3600)
    assert view.runs[0].settled_share == 0.45
    assert view.rates()["left"] == 550


def test_many_runs_are_cut_short() -> None:
    many = replace(STATUS, runs=STATUS.runs * 5)
    assert "and 5 more runs" in draw_status(many, ascii_only=False).plain
    assert "no runs yet" in draw_status(replace(STATUS, runs=()), ascii_only=False).plain


def test_a_limiter_s_state_is_named_as_the_limiter_names_it() -> None:
    view = WorkState("w1", 0.0).view(
        0.0, Progress(), {"embed": replace(FOUND, state=LimiterState.PROBING)}
    )
    assert view.limiters["embed"].state == "probing"
