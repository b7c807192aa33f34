"""A quota that is counted by the minute: its begin, and what it admits."""

from __future__ import annotations

import pytest

from worker.limiting.seen_peers.minutes import FEWEST, MINUTE_S, MOST, Minutes

USUAL = 0.0005


def learnt(*, admitted: int = 100) -> Minutes:
    """Return minutes that begin at 0, 60, 120 ... and admit so many calls."""
    minutes = Minutes()
    minutes.opened(-2.0, 0.0)
    for call in range(admitted):
        minutes.sent(0.4 * call)
    minutes.opened(59.0, 60.0)
    return minutes


def test_one_block_proves_no_minute() -> None:
    minutes = Minutes()
    minutes.opened(8.0, 10.0)
    assert not minutes.known


def test_a_block_that_ends_a_minute_after_another_proves_it() -> None:
    assert learnt().known


def test_a_block_that_ends_at_another_time_does_not() -> None:
    minutes = Minutes()
    minutes.opened(8.0, 10.0)
    minutes.opened(93.0, 95.0)
    assert not minutes.known


def test_the_begin_is_known_better_with_each_minute() -> None:
    minutes = Minutes()
    minutes.opened(0.0, 5.0)
    minutes.opened(62.0, 64.0)
    when_s, check = minutes.probe_s(115.0)
    assert not check
    assert 122.0 < when_s < 124.2


def test_a_minute_is_spread_and_ends_with_what_it_admits() -> None:
    minutes = learnt()
    minutes.set_goal(USUAL / 10)
    pace_per_s = minutes.pace_per_s(USUAL)
    assert 100 / MINUTE_S < pace_per_s < 2 * 100 / MINUTE_S
    for call in range(101):
        minutes.sent(60.0 + call / pace_per_s)
    assert minutes.beyond is False


def test_refusals_are_not_admitted() -> None:
    minutes = learnt()
    for call in range(50):
        minutes.sent(61.0 + call / 2)
    for _ in range(10):
        minutes.refused(70.0)
    minutes.blocked()
    minutes.sent(120.5)
    assert minutes.pace_per_s(USUAL) < 50 / MINUTE_S * 2


def test_more_calls_than_before_are_noticed() -> None:
    minutes = learnt(admitted=20)
    for call in range(24):
        minutes.sent(61.0 + call)
    assert minutes.beyond


def test_the_next_minute_is_a_call_s_first() -> None:
    minutes = learnt()
    assert not minutes.sent(61.0)
    assert minutes.sent(121.0)
    assert not minutes.sent(121.5)


def test_what_is_forgotten_is_not_known() -> None:
    minutes = learnt()
    minutes.forget()
    assert not minutes.known
    assert minutes.wait_s(70.0) == 0.0


@pytest.mark.parametrize(("usual", "calls"), [(0.0005, FEWEST), (0.1, 4), (0.5, 11), (0.6, MOST)])
def test_the_more_are_usual_the_more_must_be_refused_in_a_row(usual: float, calls: int) -> None:
    assert Minutes().blocked_calls(usual) == calls
