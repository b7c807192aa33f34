"""Two views of one asset: what changed, what is only known differently, what came and went."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.analysis.changes import Change, compared, latest, latest_two
from sightline.analysis.consolidation import Weighting
from sightline.export.changes_task import ChangesTask
from sightline.ports import AnswerRow
from sightline.tasks import FieldSpec
from tests.analysis.rows import SPEC, answered
from tests.analysis.test_consolidation import ROWS, made
from tests.contracts.warehouse_rig import NOW

EVEN = Weighting(half_life_days=None)


def seen(*answers: dict[str, object], side: str = "a") -> list[AnswerRow]:
    """Return answers about one asset."""
    return [answered(f"{side}{n}", answer) for n, answer in enumerate(answers)]


def change(
    before: list[dict[str, object]], after: list[dict[str, object]], tolerance: float = 0.0
) -> Change:
    """Return what differs between two views."""
    return compared(
        SPEC, seen(*before), seen(*after, side="b"), EVEN, tolerance=tolerance
    )  # fmt: skip


def test_a_value_that_differs_is_a_change() -> None:
    stop: dict[str, object] = {"kind": "stop"}
    asset_change = change([stop, stop, stop, {"kind": "yield"}], [{"kind": "yield"}])
    (difference,) = asset_change.differences
    assert (asset_change.kind, difference.field, difference.kind) == ("changed", "kind", "changed")
    assert (difference.before, difference.after) == ("stop", "yield")
    assert asset_change.sureness == difference.sureness == 0.75
    assert change([stop], [stop, stop]).kind == "same"


def test_what_becomes_known_or_is_no_longer_is_no_change() -> None:
    asset_change = change([{"kind": "unknown", "tilted": True}], [{"kind": "stop", "tilted": None}])
    assert {difference.field: difference.kind for difference in asset_change.differences} == {
        "kind": "newly_known", "tilted": "no_longer_known"
    }  # fmt: skip
    assert (asset_change.kind, asset_change.sureness) == ("known_differently", 0.0)
    assert {difference.sureness for difference in asset_change.differences} == {1.0}


def test_an_asset_on_one_side_appeared_or_vanished() -> None:
    assert change([], [{"kind": "stop"}]).kind == "appeared"
    asset_change = change([{"kind": "stop"}], [])
    assert (asset_change.kind, asset_change.differences, asset_change.after) == (
        "vanished",
        (),
        None,
    )
    with pytest.raises(ValueError, match="one asset"):
        change([], [])


def test_numbers_within_the_tolerance_are_equal_and_texts_are_not_compared() -> None:
    old: dict[str, object] = {"height": 2.0, "note": "leaning"}
    new: dict[str, object] = {"height": 2.25, "note": "it leans"}
    assert [difference.field for difference in change([old], [new]).differences] == ["height"]
    assert change([old], [new], tolerance=0.25).kind == "same"
    assert change([{"tilted": True}], [{"tilted": False}], tolerance=5).kind == "changed"


def test_lists_are_compared_by_their_members() -> None:
    old: dict[str, object] = {"damage": ["rust", "dent"]}
    assert change([old], [{"damage": ["dent", "rust"]}]).kind == "same"
    (difference,) = change([old], [{"damage": ["rust"]}]).differences
    assert (difference.before, difference.after) == (("dent", "rust"), ("rust",))


def test_the_snapshots_that_were_captured_last_are_compared() -> None:
    dated = [("b", NOW), ("a", NOW - timedelta(days=1)), ("z", None), ("c", NOW)]
    assert latest_two(dated) == ("b", "c")
    assert latest(dated) == "c"
    assert latest_two(dated[2:3]) is None
    assert latest([]) is None
    assert latest_two([("y", None), ("x", None)]) == ("x", "y")


@given(ROWS, ROWS)
def test_seen_from_the_other_side_it_is_the_other_way_round(before: Any, after: Any) -> None:
    was, now = made(before), made(after)
    there, back = compared(SPEC, was, now, EVEN), compared(SPEC, now, was, EVEN)
    swapped = {"newly_known": "no_longer_known", "no_longer_known": "newly_known"}
    assert [
        (
            difference.field,
            swapped.get(difference.kind, difference.kind),
            difference.after,
            difference.before,
            difference.sureness,
        )
        for difference in there.differences
    ] == [
        (
            difference.field,
            difference.kind,
            difference.before,
            difference.after,
            difference.sureness,
        )
        for difference in back.differences
    ]
    assert compared(SPEC, was, was, EVEN).kind == "same"


@given(ROWS, st.none() | ROWS)
def test_a_row_of_a_file_holds_both_views(before: Any, after: Any) -> None:
    asset_change = compared(SPEC, made(before), made(after or []), EVEN)
    columns = ChangesTask(SPEC)
    row = columns.row(asset_change)
    assert set(row.answer) <= {field.name for field in columns.task.fields}
    assert asset_change.before is not None
    for name, value in asset_change.before.answer().items():
        assert row.answer[f"{name}_before"] == value
        assert (f"{name}_after" in row.answer) == (after is not None)
    assert (row.subject_id, row.answer["change"]) == ("asset-1", asset_change.kind)


def test_a_column_never_takes_the_name_of_another() -> None:
    spec = replace(SPEC, fields=(FieldSpec("a", "string", "d"), FieldSpec("a_after", "enum", "d")))
    names = [field.name for field in ChangesTask(spec).task.fields]
    assert len(names) == len(set(names))
