"""Votes of the answers about one asset: what wins, what conflicts, and what is kept of it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.analysis.consolidation import (
    AssetAnswer,
    Evidence,
    FieldVerdict,
    Weighting,
    consolidate,
)
from sightline.export.consolidated_task import ConsolidatedTask
from sightline.ports import AnswerRow
from sightline.tasks import FieldSpec
from tests.analysis.rows import SPEC, answered

EVEN = Weighting(half_life_days=None)


def verdict(rows: list[AnswerRow], field: str, how: Weighting = EVEN) -> FieldVerdict:
    """Return the verdict on one field."""
    consolidated = consolidate(SPEC, rows, how)
    return next(
        field_verdict for field_verdict in consolidated.fields if field_verdict.field == field
    )


def test_the_value_with_most_weight_wins_and_the_others_are_kept() -> None:
    rows = [answered(f"o{n}", {"kind": kind}) for n, kind in enumerate(["stop", "yield", "stop"])]
    field_verdict = verdict(rows, "kind")
    assert (field_verdict.verdict, field_verdict.value) == ("conflict", "stop")
    assert field_verdict.share == pytest.approx(2 / 3)
    assert [(candidate.value, candidate.subjects) for candidate in field_verdict.evidence] == [
        ("stop", ("o0", "o2")),
        ("yield", ("o1",)),
    ]


def test_what_is_not_known_has_no_vote() -> None:
    unknown: list[dict[str, object]] = [
        {"kind": "unknown", "tilted": None, "damage": [], "count": None, "note": " "},
        {},
    ]
    rows = [answered(f"o{n}", answer) for n, answer in enumerate(unknown)]
    assert {field_verdict.verdict for field_verdict in consolidate(SPEC, rows, EVEN).fields} == {
        "unknown"
    }
    rows.append(answered("o9", {"kind": "yield", "tilted": False, "damage": ["rust"], "count": 0}))
    consolidated = consolidate(SPEC, rows, EVEN)
    assert consolidated.conflicts == ()
    assert consolidated.answer() == {
        "kind": "yield", "tilted": False, "count": 0, "height": None, "note": None,
        "damage": ["rust"],
    }  # fmt: skip
    assert verdict(rows, "kind").evidence == (Evidence("yield", 1.0, ("o9",)),)


def test_an_image_weighs_half_after_each_half_life() -> None:
    rows = [
        answered("new", {"kind": "stop"}),
        answered("old", {"kind": "yield"}, days_old=100),
        answered("older", {"kind": "yield"}, days_old=200),
    ]
    field_verdict = verdict(rows, "kind", Weighting(half_life_days=100))
    assert field_verdict.value == "stop"
    assert field_verdict.share == pytest.approx(1 / 1.75)
    assert verdict(rows, "kind", EVEN).value == "yield"
    rows.append(answered("undated", {"kind": "yield"}, days_old=None))
    field_verdict = verdict(rows, "kind", Weighting(half_life_days=100))
    assert field_verdict.share == pytest.approx(1 / 2)  # it weighs as the oldest one
    assert field_verdict.verdict == "tie"


def test_an_answer_weighs_what_it_says_of_its_confidence() -> None:
    rows = [
        answered("sure", {"kind": "stop", "height": 0.9}),
        answered("unsure", {"kind": "yield", "height": 0.3}),
        answered("silent", {"kind": "yield"}),
        answered("beyond", {"kind": "stop", "height": 7.0}),
    ]
    field_verdict = verdict(rows, "kind", Weighting("height", None))
    assert field_verdict.value == "stop"
    assert field_verdict.share == pytest.approx(1.9 / 2.5)
    nobody = [answered("a", {"kind": "stop", "height": 0.0})]
    assert verdict(nobody, "kind", Weighting("height", None)).value == "stop"


def test_in_a_tie_the_newest_image_decides() -> None:
    rows = [
        answered("a", {"tilted": True}, days_old=2),
        answered("b", {"tilted": False}, days_old=1),
    ]
    field_verdict = verdict(rows, "tilted")
    assert (field_verdict.verdict, field_verdict.value, field_verdict.share) == ("tie", False, 0.5)


def test_a_list_keeps_the_members_that_most_answers_have() -> None:
    rows = [
        answered("a", {"damage": ["rust", "dent"]}),
        answered("b", {"damage": ["rust"]}),
        answered("c", {"damage": ["rust", "rust", "graffiti"]}),
        answered("d", {"damage": []}),
    ]
    field_verdict = verdict(rows, "damage")
    assert (field_verdict.verdict, field_verdict.value, field_verdict.share) == (
        "conflict",
        ("rust",),
        1.0,
    )
    assert {candidate.value: len(candidate.subjects) for candidate in field_verdict.evidence} == {
        "rust": 3, "dent": 1, "graffiti": 1
    }  # fmt: skip
    split = [answered("a", {"damage": ["rust"]}), answered("b", {"damage": ["dent"]})]
    field_verdict = verdict(split, "damage")
    assert (field_verdict.verdict, field_verdict.value) == ("tie", ("dent", "rust"))


def test_measurements_and_texts_have_no_conflict() -> None:
    rows = [
        answered(f"o{n}", {"height": height, "note": f"note {n}"}, days_old=n)
        for n, height in enumerate([2.5, 2.0, 9.0])
    ]
    assert consolidate(SPEC, rows, EVEN).conflicts == ()
    assert verdict(rows, "height").value == 2.5
    assert verdict(rows, "note").value == "note 0"


def test_answers_about_several_assets_or_none_are_refused() -> None:
    with pytest.raises(ValueError, match="one asset"):
        consolidate(SPEC, [])
    with pytest.raises(ValueError, match="one asset"):
        consolidate(SPEC, [answered("a", {}, asset="x"), answered("b", {}, asset="y")])


ANSWERS = st.fixed_dictionaries(
    {},
    optional={
        "kind": st.sampled_from(["stop", "yield", "unknown", None, 3]),
        "tilted": st.sampled_from([True, False, None, "yes"]),
        "count": st.sampled_from([0, 1, 2, None, True]),
        "height": st.floats() | st.none(),
        "note": st.text(max_size=3),
        "damage": st.lists(st.sampled_from(["rust", "dent"]), max_size=3) | st.none(),
    },
)
ROWS = st.lists(st.tuples(ANSWERS, st.none() | st.integers(0, 5000)), min_size=1, max_size=6)


def made(rows: list[tuple[dict[str, Any], int | None]]) -> list[AnswerRow]:
    """Return the rows of one asset."""
    return [answered(f"o{n}", answer, days_old=old) for n, (answer, old) in enumerate(rows)]


@given(ROWS, st.sampled_from([EVEN, Weighting(), Weighting("height", 30.0)]), st.randoms())
def test_order_never_matters(rows: Any, how: Weighting, chance: Any) -> None:
    answers = made(rows)
    shuffled = list(answers)
    chance.shuffle(shuffled)
    assert consolidate(SPEC, answers, how) == consolidate(SPEC, shuffled, how)


@given(ROWS, st.sampled_from([EVEN, Weighting(), Weighting("height", 30.0)]))
def test_all_votes_are_kept_and_weigh_one_together(rows: Any, how: Weighting) -> None:
    consolidated = consolidate(SPEC, made(rows), how)
    types = {field_spec.name: field_spec.type for field_spec in SPEC.fields}
    for field in consolidated.fields:
        assert (field.verdict == "unknown") == (not field.evidence) == (field.value is None)
        assert all(0 < candidate.share <= 1 for candidate in field.evidence)
        shares = [round(candidate.share, 9) for candidate in field.evidence]
        assert shares == sorted(shares, reverse=True)
        if types[field.field] != "list" and field.evidence:
            assert math.isclose(math.fsum(candidate.share for candidate in field.evidence), 1)
            votes = [who for candidate in field.evidence for who in candidate.subjects]
            assert len(votes) == len(set(votes))
            assert field.value in [candidate.value for candidate in field.evidence]


@given(ROWS)
def test_a_row_of_a_file_holds_the_answer_and_its_evidence(rows: Any) -> None:
    asset_answer: AssetAnswer = consolidate(SPEC, made(rows))
    columns = ConsolidatedTask(SPEC)
    row = columns.row(asset_answer)
    assert (row.subject_id, row.observation_id) == ("asset-1", None)
    assert {name: row.answer[name] for name in asset_answer.answer()} == asset_answer.answer()
    assert row.answer["observations"] == len(rows)
    evidence = orjson.loads(str(row.answer["evidence"]))
    assert {name: len(some) for name, some in evidence.items()} == {
        field.field: len(field.evidence) for field in asset_answer.fields
    }
    assert set(row.answer) <= {field.name for field in columns.task.fields}


def test_a_column_never_takes_the_name_of_a_field() -> None:
    awkward = tuple(FieldSpec(name, "string", "d") for name in ("conflicts", "evidence", "a"))
    spec = replace(SPEC, fields=(*awkward, FieldSpec("a_share", "number", "d")))
    names = [field.name for field in ConsolidatedTask(spec).task.fields]
    assert len(names) == len(set(names))
    assert {"conflicts_", "evidence_", "a_share_"} <= set(names)
