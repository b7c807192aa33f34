"""The choice between an exact search and an index in BigQuery."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.gcp.bigquery.search_facts import read_index_row, stored_columns
from sightline.gcp.bigquery.search_plan import (
    MAX_FRACTION,
    MAX_LISTS,
    MIN_BYTES,
    MIN_ROWS,
    STORED,
    IndexFacts,
    SearchRequest,
    TableFacts,
    choose,
    exact_instead,
    index_matters,
    lists_for,
)

MILLION = TableFacts(1_000_000, 5 << 30)
INDEX = IndexFacts("i", "ACTIVE", 100, frozenset(STORED), 1000)
TEN = SearchRequest(10)


def test_a_large_table_with_an_index_is_searched_by_it() -> None:
    plan = choose(MILLION, INDEX, TEN)
    assert (plan.method, plan.fetch, plan.fraction) == ("index", 70, 0.0632)
    assert plan.reason == "the index i covers 100 % of 1,000,000 rows"
    assert plan.expected == 10
    assert exact_instead(plan).reason.endswith("rows, and found fewer than 10")


@pytest.mark.parametrize(
    ("table", "index", "search_request", "reason"),
    [
        (MILLION, INDEX, replace(TEN, answers=True), "cannot filter by a join"),
        (TableFacts(MIN_ROWS - 1, 1 << 30), INDEX, TEN, "4,999 rows are fewer"),
        (TableFacts(9_000, MIN_BYTES - 1), INDEX, TEN, "MB are less than the 10 MB"),
        (MILLION, None, TEN, "`sightline index create` creates one"),
        (MILLION, replace(INDEX, coverage_percent=0), TEN, "still being built: it covers 0 %"),
        (
            MILLION,
            replace(INDEX, status="TEMPORARILY DISABLED", disable_reason="quota"),
            TEN,
            "temporarily disabled (quota)",
        ),
        (
            MILLION,
            replace(INDEX, stored=frozenset(STORED) - {"latitude"}),
            TEN,
            "does not store latitude",
        ),
        (MILLION, INDEX, replace(TEN, filtered=True, allowed=10_000), "only 10,000 of 1,000,000"),
        (MILLION, INDEX, replace(TEN, filtered=True, allowed=0), "only 0 of 1,000,000"),
        (MILLION, INDEX, replace(TEN, filtered=True), "not known how many"),
        (TableFacts(6_000, 1 << 30), INDEX, SearchRequest(1_000), "too many for an index"),
    ],
)
def test_a_search_that_an_index_cannot_serve_is_exact(
    table: TableFacts, index: IndexFacts | None, search_request: SearchRequest, reason: str
) -> None:
    plan = choose(table, index, search_request)
    assert plan.method == "exact"
    assert reason in plan.reason


def test_a_narrower_filter_searches_more_lists() -> None:
    half = choose(MILLION, INDEX, replace(TEN, filtered=True, allowed=500_000))
    quarter = choose(MILLION, INDEX, replace(TEN, filtered=True, allowed=250_000))
    assert (half.fraction, quarter.fraction) == (0.1265, 0.253)


def test_an_index_that_is_half_built_is_used_and_the_plan_says_so() -> None:
    plan = choose(MILLION, replace(INDEX, coverage_percent=40), TEN)
    assert plan.method == "index"
    assert plan.reason.endswith(
        "covers 40 % of 1,000,000 rows; vectors that it lacks are compared as well"
    )


def test_the_index_is_not_read_if_it_cannot_matter() -> None:
    assert index_matters(MILLION, TEN)
    assert not index_matters(MILLION, replace(TEN, answers=True))
    assert not index_matters(TableFacts(10, 1 << 30), TEN)


tables = st.builds(TableFacts, st.integers(0, 10**10), st.integers(0, 1 << 45))
indexes = st.none() | st.builds(
    IndexFacts,
    st.just("i"),
    st.sampled_from(["ACTIVE", "PENDING DISABLEMENT", "PERMANENTLY DISABLED", ""]),
    st.integers(0, 100),
    st.frozensets(st.sampled_from(STORED)) | st.just(frozenset(STORED)),
    st.none() | st.integers(1, MAX_LISTS),
)
questions = st.builds(
    SearchRequest,
    st.integers(1, 10_000),
    filtered=st.booleans(),
    answers=st.booleans(),
    allowed=st.none() | st.integers(0, 10**10),
)


@given(tables, indexes, questions)
def test_an_index_is_used_only_if_it_returns_enough(
    table: TableFacts, index: IndexFacts | None, search_request: SearchRequest
) -> None:
    plan = choose(table, index, search_request)
    assert plan.reason
    assert "\n" not in plan.reason
    if plan.method == "exact":
        return
    assert index is not None
    assert not index.unusable
    assert not search_request.answers
    assert table.rows >= MIN_ROWS
    assert 0 < plan.fraction <= MAX_FRACTION
    assert plan.fetch >= 2 * search_request.top
    allowed = (
        table.rows if search_request.allowed is None else min(search_request.allowed, table.rows)
    )
    # The fraction is written with four decimals.
    assert (plan.fraction + 0.00005) * allowed >= plan.fetch


@given(st.integers(0, 10**12))
def test_an_index_has_about_as_many_lists_as_a_list_has_rows(rows: int) -> None:
    lists = lists_for(rows)
    assert 1 <= lists <= MAX_LISTS
    if 0 < lists < MAX_LISTS:
        assert abs(lists * lists - rows) <= 2 * lists + 1


def test_the_stored_columns_of_an_index_are_read_from_its_definition() -> None:
    ddl = (
        "CREATE VECTOR INDEX `i` ON `p.d.t`(embedding)\nSTORING (`model`, asset_type)\n"
        "OPTIONS (index_type = 'IVF', ivf_options = '{\"num_lists\": 1000}')"
    )
    assert stored_columns(ddl) == {"model", "asset_type"}
    assert stored_columns("CREATE VECTOR INDEX i ON t(embedding) OPTIONS ()") == frozenset()
    row = read_index_row(("i", "ACTIVE", 40, 7, ddl, None, None, None, 5))
    assert (row.facts.lists, row.facts.coverage_percent, row.bytes) == (1000, 0, 5)
