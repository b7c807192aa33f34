"""Two models on the same subjects: exact p-values, published intervals, and what is compared."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.analysis.paired import (
    Pair,
    compared,
    holm,
    mcnemar,
    newcombe,
    wilson,
)
from sightline.tasks import FieldSpec

KIND = FieldSpec("kind", "enum", "", ("stop", "yield", "unknown"))
DAMAGE = FieldSpec("damage", "list", "")
HEIGHT = FieldSpec("height", "number", "")
counts = st.integers(0, 40)


@pytest.mark.parametrize(
    ("only_first", "other", "p"),
    [
        (0, 0, 1.0),
        (0, 1, 1.0),
        (0, 5, 2 / 32),
        (1, 5, 2 * (1 + 6) / 64),
        (2, 8, 2 * (1 + 10 + 45) / 1024),
        (5, 5, 1.0),
    ],
)
def test_a_p_value_is_that_of_a_fair_coin_counted_by_hand(
    only_first: int, other: int, p: float
) -> None:
    assert mcnemar(only_first, other) == pytest.approx(p)
    assert mcnemar(other, only_first) == mcnemar(only_first, other)


@given(counts, counts)
def test_a_p_value_is_twice_the_smaller_tail_and_at_most_one(only_first: int, other: int) -> None:
    n = only_first + other
    tail = sum(Fraction(math.comb(n, k), 2**n) for k in range(min(only_first, other) + 1))
    assert mcnemar(only_first, other) == pytest.approx(float(min(Fraction(1), 2 * tail)))


def test_thousands_of_subjects_are_counted_exactly_too() -> None:
    assert 0 < mcnemar(2_300, 2_700) < 1e-7


@pytest.mark.parametrize(
    ("table", "low", "high"),
    [((36, 12, 2, 0), 0.0569, 0.3404), ((20, 12, 2, 16), 0.0562, 0.3292)],
)
def test_an_interval_is_the_published_one(
    table: tuple[int, int, int, int], low: float, high: float
) -> None:
    """Newcombe 1998, table II, method 10."""
    assert newcombe(*table) == pytest.approx((low, high), abs=5e-5)


@given(counts, counts, counts, counts)
def test_an_interval_holds_its_difference_and_turns_with_it(
    both: int, first: int, second: int, neither: int
) -> None:
    n = both + first + second + neither
    low, high = newcombe(both, first, second, neither)
    assert -1 - 1e-9 <= low <= high <= 1 + 1e-9
    if n:
        assert low - 1e-9 <= (first - second) / n <= high + 1e-9
    assert newcombe(both, second, first, neither) == pytest.approx((-high, -low))


def test_a_share_of_nobody_is_unsure_and_one_of_all_too() -> None:
    assert wilson(0, 10) == pytest.approx((0, 0.2775), abs=1e-4)
    assert wilson(10, 10) == pytest.approx((0.7225, 1), abs=1e-4)


def test_p_values_are_adjusted_for_their_number_in_their_order() -> None:
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert holm([0.5, 0.9]) == pytest.approx([1.0, 1.0])
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), max_size=8))
def test_an_adjusted_p_value_is_never_smaller_and_keeps_the_order(values: list[float]) -> None:
    adjusted = holm(values)
    assert all(a >= v for a, v in zip(adjusted, values, strict=True))
    order = sorted(range(len(values)), key=lambda place: values[place])
    assert [adjusted[n] for n in order] == sorted(adjusted)


def pairs(*answers: tuple[object, object, object]) -> list[Pair]:
    return [Pair({"kind": a}, {"kind": b}, {"kind": c}) for a, b, c in answers]


def test_each_model_is_measured_against_what_is_right_beside_the_commonest_value() -> None:
    (comparison,) = compared(
        [KIND],
        pairs(
            ("stop", "stop", "stop"),
            ("stop", "yield", "stop"),
            ("stop", "yield", "stop"),
            ("yield", "yield", "stop"),
        ),
    )
    assert (comparison.subjects, comparison.base, comparison.tuned, comparison.majority) == (
        4,
        0.5,
        0.75,
        0.75,
    )
    assert (comparison.only_base, comparison.only_tuned, comparison.difference) == (1, 2, 0.25)
    assert comparison.verdict == "not told apart"


@pytest.mark.parametrize(("swap", "verdict"), [(False, "better"), (True, "worse")])
def test_a_verdict_is_given_where_chance_is_unlikely(swap: bool, verdict: str) -> None:
    model_answers = ("yield", "stop") if not swap else ("stop", "yield")
    (comparison,) = compared([KIND], pairs(*[("stop", *model_answers)] * 8))
    assert comparison.verdict == verdict
    assert comparison.p == pytest.approx(2 / 256)


def test_no_answer_is_a_wrong_one_and_a_field_without_truth_is_left_out() -> None:
    comparisons = compared(
        [KIND, DAMAGE],
        [Pair({"kind": "stop"}, None, {"kind": "stop"}), Pair({}, {"kind": "x"}, None)],
    )
    assert [
        (comparison.field, comparison.subjects, comparison.base, comparison.tuned)
        for comparison in comparisons
    ] == [("kind", 1, 0, 1)]


def test_lists_are_compared_as_their_members_and_numbers_not_at_all() -> None:
    right = {"damage": ["rust", "dent"], "height": 1.0}
    (comparison,) = compared(
        [DAMAGE, HEIGHT], [Pair(right, {"damage": ["dent", "rust"]}, {"damage": ["rust"]})]
    )
    assert (comparison.field, comparison.base, comparison.tuned) == ("damage", 1, 0)
