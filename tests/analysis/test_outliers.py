"""Answers against those of their neighbours."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.analysis.outliers import Disagreement, Neighbour, disagreement


def near(*values: str | None, cosine: float = 0.9) -> list[Neighbour]:
    """Return neighbours that are all as near."""
    return [Neighbour(f"n{number}", cosine, value) for number, value in enumerate(values)]


def odd(
    value: str | None, neighbours: list[Neighbour], *, count: int = 10, fewest: int = 1
) -> Disagreement | None:
    """Return how a value disagrees."""
    return disagreement(value, neighbours, count=count, fewest=fewest)


def test_an_answer_that_all_neighbours_contradict_is_the_surest() -> None:
    outcome = odd("a", near("b", "b", "b"))
    assert outcome is not None
    assert (outcome.value, outcome.expected, outcome.score) == ("a", "b", 1.0)
    assert [neighbour.subject_id for neighbour in outcome.neighbours] == ["n0", "n1", "n2"]
    some = odd("a", near("b", "b", "b", "a"))
    assert some is not None
    assert some.score == pytest.approx(0.5)


def test_what_is_not_known_neither_votes_nor_disagrees() -> None:
    assert odd(None, near("b", "b")) is None
    assert odd("a", near(None, None)) is None
    assert odd("a", near("a", None, None, None)) is None
    outcome = odd("a", near(None, "b", None, "b"))
    assert outcome is not None
    assert [neighbour.value for neighbour in outcome.neighbours] == ["b", "b"]


def test_too_few_neighbours_cannot_tell() -> None:
    assert odd("a", near("b", "b", None, None), fewest=3) is None
    assert odd("a", []) is None


def test_the_nearest_so_many_that_know_vote() -> None:
    assert odd("a", near("a", None, "a", "b", "b", "b"), count=2) is None


def test_the_nearer_weighs_more_and_equals_do_not_contradict() -> None:
    neighbours = [Neighbour("x", 0.99, "a"), *near("b", "b", cosine=0.5)]
    assert odd("a", neighbours) is None
    assert odd("a", near("a", "b")) is None
    assert odd("b", near("a", "b")) is None
    copy = [Neighbour("copy", 1.0, "a"), *near("b", "b", "b", "b", "b", cosine=0.96)]
    assert odd("a", copy) is None  # 100 against 5 times 20
    assert odd("a", [*copy, *near("b", cosine=0.96)]) is not None


VALUES = st.sampled_from(["a", "b", "c", None])
NEIGHBOURS = st.lists(
    st.builds(Neighbour, st.text(max_size=2), st.floats(-1, 1.0001), VALUES), max_size=12
)


@given(VALUES, NEIGHBOURS, st.integers(1, 12), st.integers(0, 6))
def test_a_disagreement_is_with_what_won_and_within_bounds(
    value: str | None, neighbours: list[Neighbour], count: int, fewest: int
) -> None:
    outcome = disagreement(value, neighbours, count=count, fewest=fewest)
    if outcome is None:
        return
    assert value is not None
    assert 0 < outcome.score <= 1
    assert outcome.expected != value == outcome.value
    assert fewest <= len(outcome.neighbours) <= count
    assert outcome.expected in [neighbour.value for neighbour in outcome.neighbours]
    if outcome.score == 1:
        assert {neighbour.value for neighbour in outcome.neighbours} == {outcome.expected}
