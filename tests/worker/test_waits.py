"""What refusals that ask to wait tell about a quota: a bucket's rate, and of windows nothing."""

from __future__ import annotations

from math import inf

import pytest

from worker.limiting import Outcome, QuotaFinder, Sample
from worker.limiting.seen_peers.waits import Waits
from worker.limiting.slices import Slices


def sends(*accepted_s: float, refused_s: float) -> Slices:
    """Return calls of which all but the last were accepted."""
    slices = Slices()
    for at_s in (*accepted_s, refused_s):
        slices.sent(at_s, 1.0)
    last = slices.at(refused_s)
    assert last is not None
    last.refused += 1
    return slices


def test_a_bucket_earns_one_call_from_the_last_one_to_the_end_of_the_wait() -> None:
    assert Waits().most_per_s(1.1, 4.9, sends(0.0, refused_s=1.0)) == pytest.approx(1 / 6)


@pytest.mark.parametrize("zero_s", [-1000.0, 1000.0])
def test_it_does_not_matter_when_the_clock_began(zero_s: float) -> None:
    calls = sends(zero_s, zero_s + 2.0, zero_s + 3.0, refused_s=zero_s + 3.5)
    assert Waits().most_per_s(zero_s + 3.6, 0.4, calls) == pytest.approx(1.0)


def test_between_the_ends_of_two_waits_a_bucket_gives_what_the_quota_is() -> None:
    waits = Waits()
    waits.most_per_s(1.0, 1.0, sends(0.0, refused_s=0.9))
    later = sends(0.0, 2.0, 3.0, 4.0, 5.0, refused_s=5.5)
    assert waits.most_per_s(5.6, 0.4, later) == pytest.approx(1.0)


def test_who_asks_to_wait_for_many_calls_counts_in_windows() -> None:
    many = sends(*(0.5 * number for number in range(40)), refused_s=20.0)
    assert Waits().most_per_s(20.1, 39.9, many) == inf


def test_a_wait_tells_nothing_where_no_call_went_through() -> None:
    assert Waits().most_per_s(1.1, 5.0, sends(refused_s=1.0)) == inf


@pytest.mark.parametrize("is_told", [True, False])
def test_a_worker_sends_as_a_bucket_tells_it(is_told: bool) -> None:
    finder = QuotaFinder(10)
    finder.sent(0.0)
    finder.done(0.1, Sample(Outcome.SUCCEEDED, 0.1))
    finder.sent(1.0)
    finder.done(1.1, Sample(Outcome.THROTTLED, 0.1, 4.9 if is_told else 0.0))
    assert (finder.snapshot(1.1).rate_per_s == pytest.approx(0.98 / 6, rel=0.01)) is is_told
    assert finder.wait_s(1.1) >= (4.9 if is_told else 0.0)
