"""Measures answers against ground truth: the accuracy of each field, and of its majority class."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class FieldScore:
    """How well one field of one task was answered.

    ``accuracy`` is over all subjects with ground truth; an answer of unknown counts as wrong.
    ``majority`` is the accuracy of always giving the most frequent value.
    """

    task: str
    field: str
    subjects: int
    answered: int
    accuracy: float
    majority: float


Truth = tuple[str, str, Mapping[str, Any]]
"""Observation id, task, and the true value of each field."""


def comparable(value: object) -> Hashable:
    """Return a value in comparable form: a list becomes the set of its items."""
    if isinstance(value, list | tuple):
        return frozenset(map(str, value))
    return str(value) if isinstance(value, dict) else value


def score(
    truths: Iterable[Truth], answers: Mapping[tuple[str, str], Mapping[str, Any]]
) -> list[FieldScore]:
    """Return a score for each field of each task; ``answers`` are by (subject id, task)."""
    values: dict[tuple[str, str], Counter[Any]] = defaultdict(Counter)
    right: Counter[tuple[str, str]] = Counter()
    answered: Counter[tuple[str, str]] = Counter()
    for subject_id, task, truth in truths:
        answer = answers.get((subject_id, task), {})
        for name, value in truth.items():
            key = (task, name)
            values[key][comparable(value)] += 1
            answer_value = answer.get(name)
            answered[key] += answer_value not in (None, "unknown")
            right[key] += comparable(answer_value) == comparable(value)
    return [
        FieldScore(
            task,
            name,
            subjects=(total := counts.total()),
            answered=answered[task, name],
            accuracy=right[task, name] / total,
            majority=max(counts.values()) / total,
        )
        for (task, name), counts in sorted(values.items())
    ]
