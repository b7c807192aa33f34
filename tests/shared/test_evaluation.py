"""Answers measured against a truth: what counts as right, and what chance would reach."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sightline.analysis.evaluation import FieldScore, score
from sightline.errors import ConfigurationError
from sightline.operations.reading.ground_truth import read_truth
from sightline.tasks import load_tasks, parse_task, shipped_directory

SIGNS = parse_task(
    """
name = "signs"
description = "d"
prompt = "p"
[fields.kind]
type = "enum"
values = ["stop", "yield", "unknown"]
description = "d"
[fields.tilted]
type = "boolean"
description = "d"
[fields.year]
type = "integer"
description = "d"
[fields.height]
type = "number"
description = "d"
[fields.title]
type = "string"
description = "d"
[fields.damage]
type = "list"
values = ["rust", "dent"]
description = "d"
""",
    "signs.toml",
)
WHOLE = {
    "kind": "stop", "tilted": True, "year": 1999, "height": 2, "title": "x", "damage": ["rust"]
}  # fmt: skip


def scored(*pairs: tuple[object, object]) -> FieldScore:
    """Return the score of one field, of what is true and what was answered."""
    truths = [(f"o{n}", "signs", {"field": true}) for n, (true, _) in enumerate(pairs)]
    answers: dict[tuple[str, str], dict[str, Any]] = {
        (f"o{n}", "signs"): {"field": answer} for n, (_, answer) in enumerate(pairs)
    }
    (field_score,) = score(truths, answers)
    return field_score


def test_unknown_is_no_answer_and_wrong() -> None:
    field_score = scored(("stop", "stop"), ("stop", "unknown"), ("stop", None), ("yield", "yield"))
    assert (
        field_score.subjects,
        field_score.answered,
        field_score.accuracy,
        field_score.majority,
    ) == (4, 2, 0.5, 0.75)


def test_lists_are_compared_as_their_members() -> None:
    field_score = scored(
        (["rust", "dent"], ["dent", "rust"]), (["rust"], []), (["dent", "rust"], None)
    )
    assert (field_score.accuracy, field_score.majority) == (1 / 3, 2 / 3)


def test_a_truth_of_any_shape_is_read() -> None:
    assert scored(({"a": [1]}, {"a": [1]}), ([[1]], 1)).accuracy == 0.5


def test_a_subject_without_an_answer_counts_as_wrong() -> None:
    (field_score,) = score([("o1", "signs", {"kind": "stop"})], {})
    assert (field_score.subjects, field_score.answered, field_score.accuracy) == (1, 0, 0.0)


def written(folder: Path, *truths: dict[str, Any], task: str = "signs") -> Path:
    """Return a file of these truths."""
    rows = [
        {"observation_id": f"o{n}", "task": task, "truth": fields}
        for n, fields in enumerate(truths)
    ]
    file = folder / "ground_truth.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def test_a_field_whose_truth_is_null_is_not_counted(tmp_path: Path) -> None:
    file = written(tmp_path, {"year": None}, {"year": 1999}, {"year": 2001.0})
    answers: dict[tuple[str, str], dict[str, Any]] = {
        ("o0", "signs"): {"year": None},
        ("o1", "signs"): {"year": None},
        ("o2", "signs"): {"year": 2001},
    }
    (field_score,) = score(read_truth(file, {"signs": SIGNS}), answers)
    assert (field_score.subjects, field_score.answered, field_score.accuracy) == (2, 1, 0.5)
    file = written(tmp_path, dict.fromkeys(WHOLE), WHOLE)
    assert [truth for _, _, truth in read_truth(file, {"signs": SIGNS})] == [{}, WHOLE]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"colour": "red"}, "signs has no field 'colour'; its fields: kind, tilted"),
        ({"kind": "Stop"}, "signs.kind is never 'Stop'; give one of stop, yield, unknown, or null"),
        ({"tilted": 1}, "signs.tilted is never 1; give true or false"),
        ({"year": "1999"}, "signs.year is never '1999'; give a whole number"),
        ({"year": 1999.5}, "signs.year is never 1999.5"),
        ({"height": True}, "signs.height is never True; give a number"),
        ({"title": 7}, "signs.title is never 7; give a string"),
        ({"damage": "rust"}, "signs.damage is never 'rust'; give a list of rust, dent"),
        ({"damage": ["mud"]}, "signs.damage is never"),
    ],
)
def test_a_truth_that_no_answer_could_agree_with_is_told_with_its_line(
    wrong: dict[str, Any], message: str, tmp_path: Path
) -> None:
    file = written(tmp_path, WHOLE, {**WHOLE, **wrong})
    with pytest.raises(ConfigurationError) as caught:
        list(read_truth(file, {"signs": SIGNS}))
    assert f"ground_truth.jsonl, line 2: {message}" in str(caught.value)
    assert len(list(read_truth(file, load_tasks((shipped_directory(),))))) == 2, "not known"
