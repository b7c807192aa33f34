"""Whether refusals come from the rate or from chance: a trial, and what it finds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.limiting.seen_peers.doubt import RARE_PER_S, TOO_MANY, Doubt, Judgement


def doubted(rate_per_s: float = 50.0, *, usual: float = 0.0005) -> Doubt:
    return Doubt(0.0, rate_per_s, usual, back_per_s=60.0, doubling=False)


def test_a_share_is_measured_with_enough_calls_or_enough_refusals() -> None:
    assert doubted().measure(5, 4) is Judgement.OPEN
    assert doubted().measure(11, 3) is Judgement.OPEN
    assert doubted().measure(8, 4) is Judgement.TRY
    assert doubted().measure(12, 3) is Judgement.TRY


def test_a_fast_rate_is_measured_for_a_while() -> None:
    assert doubted(1000.0).measure(100, 3) is Judgement.OPEN
    assert doubted(1000.0).measure(200, 60) is Judgement.TRY


def test_a_single_refusal_is_no_reason() -> None:
    assert doubted().measure(12, 1) is Judgement.CALM
    assert doubted(usual=0.3).measure(40, 13) is Judgement.CALM


def test_so_many_refusals_come_from_the_rate() -> None:
    doubt = doubted()
    assert doubt.measure(20, 18) is Judgement.FAR_OVER
    assert doubt.share > TOO_MANY
    assert doubt.quota_per_s() == pytest.approx(50.0 * (1.0 - 17.5 / 20), rel=0.01)


def test_nothing_that_went_through_leaves_a_rate_to_go_on_with() -> None:
    doubt = doubted()
    assert doubt.measure(20, 20) is Judgement.FAR_OVER
    assert doubt.quota_per_s() > 0.0


def test_what_goes_through_is_the_quota_and_a_little_less_is_tried() -> None:
    doubt = doubted()
    doubt.measure(20, 10)
    assert doubt.quota_per_s() == pytest.approx(25.0, rel=0.01)
    assert doubt.tried_per_s() < doubt.quota_per_s()


def test_a_bucket_of_one_call_has_more_than_went_through() -> None:
    doubt = doubted(RARE_PER_S / 2.0)
    doubt.measure(12, 6)
    assert doubt.quota_per_s() > 0.6 * doubt.rate_per_s


def tried(share: float, calls: int, refused: int) -> Judgement:
    doubt = doubted()
    doubt.measure(100, round(100 * share))
    return doubt.weigh(calls, refused)


def test_refusals_that_stop_came_from_the_rate() -> None:
    assert tried(0.3, 12, 0) is Judgement.QUOTA


def test_refusals_that_go_on_came_by_chance() -> None:
    assert tried(0.3, 12, 4) is Judgement.AT_RANDOM
    assert tried(0.5, 6, 4) is Judgement.AT_RANDOM


def test_a_few_calls_decide_nothing() -> None:
    assert tried(0.3, 6, 1) is Judgement.OPEN
    assert tried(0.05, 20, 0) is Judgement.OPEN


def test_fewer_refusals_than_before_but_some_are_measured_again() -> None:
    doubt = doubted()
    doubt.measure(100, 50)
    assert doubt.weigh(12, 1) is Judgement.QUOTA
    assert doubt.weigh(20, 5) is Judgement.OPEN
    assert doubt.weigh(24, 7) is Judgement.AT_RANDOM
    assert doubt.weigh(24, 5) is Judgement.UNCLEAR
    doubt.tried_from_s = 3.0
    doubt.measure_again(9.0, 20.0)
    assert not doubt.trying
    assert (doubt.begin_s, doubt.rate_per_s) == (9.0, 20.0)


def test_where_calls_are_rare_what_is_in_between_is_the_rate() -> None:
    doubt = doubted(RARE_PER_S / 2.0)
    doubt.measure(100, 50)
    assert doubt.weigh(20, 5) is Judgement.UNCLEAR


def test_a_count_that_a_refusal_ends_is_not_taken_for_more_than_it_is() -> None:
    early, late = doubted(), doubted()
    early.measure(8, 4)
    late.measure(12, 6)
    assert early.share == pytest.approx(3 / 7)
    assert late.share == pytest.approx(0.5)


@given(st.floats(0.05, 0.6), st.integers(1, 200))
def test_what_is_usual_already_is_no_news(usual: float, calls: int) -> None:
    doubt = doubted(usual=usual)
    refused = round(usual * calls)
    assert doubt.measure(calls, refused) in {Judgement.OPEN, Judgement.CALM}
