"""Compares two models on the same subjects, and tests whether their difference is chance.

The test is McNemar's, exact (binomial over the subjects on which only one model is right); the
interval is Newcombe's for a difference of paired proportions (Statistics in Medicine 17, 1998,
2635-2650, method 10). Several fields are several tests, so p-values are also adjusted by Holm's
method.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace

from sightline.analysis.evaluation import comparable
from sightline.tasks import COMPARABLE, FieldSpec

Z = 1.959963984540054
"""The normal distribution's 97.5th percentile, for 95 % intervals."""

Answer = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Pair:
    """One subject: the true value, and each model's; ``None`` is no answer."""

    right: Answer
    base: Answer | None
    tuned: Answer | None


@dataclass(frozen=True, slots=True)
class FieldComparison:
    """How both models answered one field.

    ``base``, ``tuned`` and ``majority`` are the shares of ``subjects`` answered correctly: by each
    model, and by always giving the most frequent value. ``only_base`` and ``only_tuned`` count the
    subjects on which exactly that model is right. ``p`` is of McNemar's exact test, two-sided;
    ``p_holm`` is adjusted for the number of fields. ``low`` and ``high`` bound ``difference``,
    tuned less base.
    """

    field: str
    subjects: int
    base: float
    tuned: float
    majority: float
    only_base: int
    only_tuned: int
    difference: float
    low: float
    high: float
    p: float
    p_holm: float = 1.0

    @property
    def verdict(self) -> str:
        """The verdict: ``better``, ``worse``, or ``not told apart``, at 5 % after Holm."""
        if self.p_holm > 0.05:
            return "not told apart"
        return "better" if self.difference > 0 else "worse"


def compared(fields: Sequence[FieldSpec], pairs: Sequence[Pair]) -> list[FieldComparison]:
    """Return a comparison for each comparable field with known values."""
    each = (_of_field(field.name, pairs) for field in fields if field.type in COMPARABLE)
    comparisons = [comparison for comparison in each if comparison is not None]
    adjusted = holm([comparison.p for comparison in comparisons])
    return [
        replace(comparison, p_holm=p) for comparison, p in zip(comparisons, adjusted, strict=True)
    ]


def _of_field(name: str, pairs: Sequence[Pair]) -> FieldComparison | None:
    values: Counter[Hashable] = Counter()
    table: Counter[tuple[bool, bool]] = Counter()
    for pair in pairs:
        if name not in pair.right:
            continue
        right = comparable(pair.right[name])
        values[right] += 1
        table[_says(pair.base, name, right), _says(pair.tuned, name, right)] += 1
    subjects = values.total()
    if not subjects:
        return None
    both, only_base = table[True, True], table[True, False]
    only_tuned, neither = table[False, True], table[False, False]
    low, high = newcombe(both, only_tuned, only_base, neither)
    return FieldComparison(
        name,
        subjects,
        base=(both + only_base) / subjects,
        tuned=(both + only_tuned) / subjects,
        majority=max(values.values()) / subjects,
        only_base=only_base,
        only_tuned=only_tuned,
        difference=(only_tuned - only_base) / subjects,
        low=low,
        high=high,
        p=mcnemar(only_base, only_tuned),
    )


def _says(answer: Answer | None, name: str, right: Hashable) -> bool:
    return answer is not None and name in answer and comparable(answer[name]) == right


def mcnemar(only_one: int, only_other: int) -> float:
    """Return the two-sided p-value of McNemar's exact test."""
    trials = only_one + only_other
    if not trials:
        return 1.0
    term = total = 1
    for k in range(1, min(only_one, only_other) + 1):
        term = term * (trials - k + 1) // k
        total += term
    return min(1.0, float(2 * total / 2**trials))


def newcombe(both: int, only_first: int, only_second: int, neither: int) -> tuple[float, float]:
    """Return the 95 % interval of the first share less the second, of paired subjects."""
    n = both + only_first + only_second + neither
    if not n:
        return -1.0, 1.0
    first, second = (both + only_first) / n, (both + only_second) / n
    low_first, high_first = wilson(both + only_first, n)
    low_second, high_second = wilson(both + only_second, n)
    phi = _phi(both, only_first, only_second, neither)
    down, up = first - low_first, high_second - second
    below = math.sqrt(max(0.0, down**2 - 2 * phi * down * up + up**2))
    up, down = high_first - first, second - low_second
    above = math.sqrt(max(0.0, up**2 - 2 * phi * up * down + down**2))
    return first - second - below, first - second + above


def _phi(both: int, only_first: int, only_second: int, neither: int) -> float:
    """Return the correlation of the two, corrected for continuity as by Newcombe."""
    margins = (
        (both + only_first)
        * (only_second + neither)
        * (both + only_second)
        * (only_first + neither)
    )
    if not margins:
        return 0.0
    cross: float = both * neither - only_first * only_second
    if cross > 0:
        n = both + only_first + only_second + neither
        cross = max(0.0, cross - n / 2)
    return cross / math.sqrt(margins)


def wilson(count: int, n: int) -> tuple[float, float]:
    """Return Wilson's 95 % score interval for a share."""
    centre = count + Z**2 / 2
    spread = Z * math.sqrt(Z**2 / 4 + count * (n - count) / n)
    return max(0.0, (centre - spread) / (n + Z**2)), min(1.0, (centre + spread) / (n + Z**2))


def holm(values: Sequence[float]) -> list[float]:
    """Return adjusted p-values, in the same order (Holm's step-down method)."""
    order = sorted(range(len(values)), key=lambda place: values[place])
    adjusted = [1.0] * len(values)
    least = 0.0
    for rank, place in enumerate(order):
        least = max(least, min(1.0, (len(values) - rank) * values[place]))
        adjusted[place] = least
    return adjusted
