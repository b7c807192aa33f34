"""Answers measured against a truth: what counts as right, and what chance would reach."""

from __future__ import annotations

from typing import Any

from sightline.evaluation import FieldScore, score


def scored(*said: tuple[object, object]) -> FieldScore:
    """Return the score of one field, of what is true and what was answered."""
    truths = [(f"o{n}", "signs", {"field": true}) for n, (true, _) in enumerate(said)]
    answers: dict[tuple[str, str], dict[str, Any]] = {
        (f"o{n}", "signs"): {"field": answer} for n, (_, answer) in enumerate(said)
    }
    (found,) = score(truths, answers)
    return found


def test_unknown_is_no_answer_and_wrong() -> None:
    found = scored(("stop", "stop"), ("stop", "unknown"), ("stop", None), ("yield", "yield"))
    assert (found.subjects, found.answered, found.accuracy, found.majority) == (4, 2, 0.5, 0.75)


def test_lists_are_compared_as_their_members() -> None:
    found = scored((["rust", "dent"], ["dent", "rust"]), (["rust"], []), (["dent", "rust"], None))
    assert (found.accuracy, found.majority) == (1 / 3, 2 / 3)


def test_a_truth_of_any_shape_is_read() -> None:
    assert scored(({"a": [1]}, {"a": [1]}), ([[1]], 1)).accuracy == 0.5


def test_a_subject_without_an_answer_counts_as_wrong() -> None:
    (found,) = score([("o1", "signs", {"kind": "stop"})], {})
    assert (found.subjects, found.answered, found.accuracy) == (1, 0, 0.0)
