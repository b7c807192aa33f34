"""What was believed before a worker began: it is gone on with, checked, and forgotten if wrong."""

from __future__ import annotations

import pytest

from sightline.ports import QuotaBelief, Remembered
from worker.limiting import Outcome, QuotaFinder, Sample
from worker.limiting.seen_peers.growth import START_PER_S
from worker.limiting.seen_peers.memory import CHECK_CALLS, CHECK_S, HALF_TRUSTED_S, NEAR, Memory


def begun(rate_per_s: float, *, age_s: float = 60.0, workers: int = 1) -> QuotaFinder:
    """Return a worker that remembers this rate of all."""
    finder = QuotaFinder(1000)
    finder.hear_peers(0.0, workers, START_PER_S / workers)
    finder.remember(0.0, Remembered(QuotaBelief(rate_per_s), age_s))
    return finder


def calls(finder: QuotaFinder, count: int, *, quota_per_s: float, now_s: float = 0.0) -> float:
    """Send calls to a bucket of one second's calls; return when the last was sent."""
    tokens, filled_s = quota_per_s, now_s
    for _ in range(count):
        while (wait_s := finder.wait_s(now_s)) > 0:
            now_s += wait_s
        finder.sent(now_s)
        tokens = min(quota_per_s, tokens + (now_s - filled_s) * quota_per_s)
        filled_s = now_s
        accepted = tokens >= 1.0
        tokens -= accepted
        finder.done(now_s, Sample(Outcome.SUCCEEDED if accepted else Outcome.THROTTLED, 0.0))
    return now_s


def test_a_worker_begins_at_its_share_of_what_was_found_lately() -> None:
    assert begun(50.0).snapshot(0.0).rate_per_s == pytest.approx(45.0)
    assert begun(50.0, workers=5).snapshot(0.0).rate_per_s == pytest.approx(9.0)


def test_the_older_the_memory_the_closer_the_begin_is_to_a_newcomers() -> None:
    assert begun(100.0, age_s=HALF_TRUSTED_S).snapshot(0.0).rate_per_s == pytest.approx(10.0)
    assert begun(100.0, age_s=24 * 3600.0).snapshot(0.0).rate_per_s == pytest.approx(1.0, rel=0.01)


def test_a_memory_is_used_once_and_not_after_the_quota_was_found() -> None:
    finder = begun(50.0)
    finder.remember(0.0, Remembered(QuotaBelief(9.0), 0.0))
    assert finder.snapshot(0.0).rate_per_s == pytest.approx(45.0)
    finder = QuotaFinder(1000)
    now_s = calls(finder, 400, quota_per_s=20.0)
    before = finder.snapshot(now_s).rate_per_s
    finder.remember(now_s, Remembered(QuotaBelief(500.0), 0.0))
    assert finder.snapshot(now_s).rate_per_s == before


def test_a_right_memory_is_kept_and_passed_on_once_it_is_checked() -> None:
    finder = begun(50.0)
    assert finder.believed() is None
    now_s = calls(finder, 1000, quota_per_s=50.0)
    belief = finder.believed()
    assert belief is not None
    assert belief.rate_per_s == pytest.approx(50.0, rel=0.2)
    assert "remembered" not in finder.snapshot(now_s).belief


@pytest.mark.parametrize("wrong", [0.1, 10.0])
def test_a_wrong_memory_is_corrected_by_the_calls(wrong: float) -> None:
    finder = begun(wrong * 50.0)
    calls(finder, 1500, quota_per_s=50.0)
    belief = finder.believed()
    assert belief is not None
    assert belief.rate_per_s == pytest.approx(50.0, rel=0.3)


def test_a_share_refused_at_random_that_was_found_lately_is_usual_from_the_begin() -> None:
    for age_s, usual in ((60.0, 0.2), (HALF_TRUSTED_S, 0.0)):
        finder = QuotaFinder(1000)
        finder.remember(0.0, Remembered(QuotaBelief(50.0, usual=0.2), age_s))
        assert finder.snapshot(0.0).usual_share_refused == pytest.approx(usual, abs=0.01)


def test_a_minute_that_is_remembered_is_believed_at_the_first_block_that_ends_with_it() -> None:
    finder = QuotaFinder(1000, clock_ahead_s=1000.0)
    finder.remember(0.0, Remembered(QuotaBelief(50.0, minute_began_s=990.0), 60.0))
    minutes = finder._minutes
    assert minutes.began_s is None
    minutes.opened(49.5, 50.1)
    assert minutes.began_s == pytest.approx(50.0, abs=0.6)


def test_the_check_ends_after_some_calls_or_some_time() -> None:
    often, rarely = Memory(0.0, 5.0), Memory(0.0, 0.1)
    assert [often.checked(0.0) for _ in range(CHECK_CALLS + 1)].index(True) == CHECK_CALLS - 1
    assert not often.checked(2 * CHECK_S), "there is but one check"
    assert [rarely.checked(at_s) for at_s in (5.0, 4.9 + CHECK_S, 5.0 + CHECK_S)][1:] == [
        False,
        True,
    ]


def test_a_rate_that_is_refused_confirms_a_memory_that_is_near_and_not_yet_checked() -> None:
    memory = Memory(0.0, 10.0)
    assert memory.confirmed(NEAR * 10.0) == 10.0
    assert memory.confirmed(NEAR * 10.0 + 0.1) is None
    assert Memory(HALF_TRUSTED_S, 10.0).confirmed(10.0) is None
    assert Memory().confirmed(0.0) is None
    memory.done()
    assert memory.confirmed(10.0) is None
    assert not memory.checked(100.0)
