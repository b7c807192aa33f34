"""What is usual among refusals, from calls in lulls."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.limiting.seen_peers.lulls import Beat
from worker.limiting.seen_peers.refusals import (
    LEAST_USUAL,
    MOST_USUAL,
    RecentSends,
    RefusalTally,
    Suspicion,
)


def period(sends: RecentSends, begin_s: float, *, lull_refused: int, through_per_s: float) -> None:
    """Book a period: ten calls in a lull at 5/s, and as many after it as go through."""
    number = int(begin_s) + 5
    for call in range(10):
        at_s = begin_s + 0.2 * call
        sends.sent_at(at_s, 10.0, Beat(5.0, number, lull=True))
        if call < lull_refused:
            where = sends.at(at_s)
            assert where is not None
            where.refused += 1
    for call in range(int(3 * through_per_s)):
        sends.sent_at(begin_s + 2.0 + call / through_per_s, 10.0, Beat(through_per_s, number))


def test_what_is_refused_in_a_lull_is_usual() -> None:
    sends = RecentSends()
    period(sends, 0.0, lull_refused=3, through_per_s=10.0)
    period(sends, 5.0, lull_refused=3, through_per_s=10.0)
    period(sends, 10.0, lull_refused=0, through_per_s=10.0)
    assert sends.usual_share(12.0) == pytest.approx(0.25, abs=0.05)


def test_a_lull_that_is_no_slower_than_what_goes_through_tells_nothing() -> None:
    sends = RecentSends()
    period(sends, 0.0, lull_refused=5, through_per_s=5.0)
    period(sends, 5.0, lull_refused=5, through_per_s=5.0)
    period(sends, 10.0, lull_refused=0, through_per_s=10.0)
    assert sends.usual_share(12.0) == LEAST_USUAL


def test_a_clean_lull_ends_what_was_believed() -> None:
    sends = RecentSends()
    sends.learn(30, 12)
    assert sends.usual_share(0.0) == pytest.approx(0.4)
    for begin_s in (0.0, 5.0, 10.0):
        period(sends, begin_s, lull_refused=0, through_per_s=10.0)
    assert sends.usual_share(12.0) == LEAST_USUAL


def test_so_many_are_not_refused_at_random() -> None:
    sends = RecentSends()
    sends.learn(40, 30)
    assert MOST_USUAL < 30 / 40
    assert sends.usual_share(0.0) == LEAST_USUAL


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=20), st.integers(1, 30))
def test_a_tally_is_a_share_whatever_is_counted(counts: list[tuple[int, int]], learnt: int) -> None:
    sends = RecentSends()
    sends.learn(learnt, learnt)  # all were refused
    for sent, refused in counts:
        sends.lulls.add(sent, min(sent, refused))
        assert 0.0 <= sends.lulls.share <= 1.0


def test_what_came_before_fades() -> None:
    tally = RefusalTally(1000.0, 500.0)
    for _ in range(30):
        tally.add(50, 20)
    assert tally.share == pytest.approx(0.4, abs=0.02)


def test_while_nothing_is_usual_the_first_refusal_is_proof() -> None:
    suspicion = Suspicion()
    suspicion.sent(1.0)
    assert suspicion.refused()


def test_the_more_are_usual_the_more_refusals_it_takes() -> None:
    suspicion = Suspicion()
    suspicion.expect(0.3)
    refusals = 0
    while not suspicion.refused():
        refusals += 1
    assert refusals > 10
