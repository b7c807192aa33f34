"""How an index is asked: enough candidates, in enough lists, or not at all."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sightline.local.vectors.choice import (
    EXACT_ALLOWED,
    FEWEST_CANDIDATES,
    lists_for,
    look_up,
)

rows_and_allowed = st.integers(1, 10**8).flatmap(
    lambda rows: st.tuples(st.just(rows), st.integers(0, rows))
)


@given(rows_and_allowed, st.integers(1, 10_000))
def test_an_index_is_asked_for_enough_and_only_where_many_rows_are_left(
    rows_allowed: tuple[int, int], top: int
) -> None:
    rows, allowed = rows_allowed
    lists = lists_for(rows)
    how = look_up(rows, allowed, top, lists)
    if how is None:
        few = allowed < rows and allowed <= EXACT_ALLOWED
        assert few or allowed <= max(FEWEST_CANDIDATES, 30 * top)
        return
    assert top < how.candidates < allowed
    assert 1 <= how.probes <= lists


@given(st.integers(1, 10**8), st.integers(1, 50))
def test_a_narrower_filter_has_no_fewer_lists_searched(rows: int, top: int) -> None:
    lists = lists_for(rows)
    probes = [
        how.probes
        for share in (1, 2, 4, 8)
        if (how := look_up(rows, rows // share, top, lists)) is not None
    ]
    assert probes == sorted(probes)


@given(st.integers(512, 10**9))
def test_a_list_has_at_least_32_vectors(rows: int) -> None:
    assert 1 <= lists_for(rows) <= rows // 32
