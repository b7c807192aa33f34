"""Consolidates several answers about one asset into one, and keeps every vote.

A field is decided by a vote of the answers in which it is known. The weight of an answer is its own
confidence, halved for each half-life by which its image is older than the asset's newest one. An
answer without a confidence or a time counts as the least known one of its asset.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sightline.ports import AnswerRow
from sightline.tasks import COMPARABLE, UNKNOWN, FieldSpec, TaskSpec

HALF_LIFE_DAYS = 365.0

_DAY_S = 86_400.0
_EQUAL = 1e-9

Verdict = Literal["unknown", "agreed", "conflict", "tie"]
Value = str | float | bool | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Weighting:
    """How much an answer counts: by a confidence field, and by age."""

    confidence: str | None = None
    half_life_days: float | None = HALF_LIFE_DAYS


@dataclass(frozen=True, slots=True)
class Evidence:
    """A value, its share of the weight of all answers that know the field, and its voters.

    The items of a list are separate values, so their shares may add up to more than 1.
    """

    value: Value
    share: float
    subjects: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FieldVerdict:
    """The consolidated value of one field; ``evidence`` has the best supported value first.

    ``share`` is that of the value (for a list, of its least supported item). A conflict has several
    values; in a tie, the best ones weigh the same and the newest image decides.
    """

    field: str
    verdict: Verdict
    value: Value | None
    share: float
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class AssetAnswer:
    """The consolidated answer about an asset; ``newest`` is the newest of its answers."""

    asset_id: str
    newest: AnswerRow
    subjects: tuple[str, ...]
    fields: tuple[FieldVerdict, ...]

    @property
    def conflicts(self) -> tuple[str, ...]:
        """The fields in which the answers differ."""
        return tuple(field.field for field in self.fields if field.verdict in {"conflict", "tie"})

    def answer(self) -> dict[str, object]:
        """Return the fields' values in the form of an answer to the task; unknown is ``None``."""
        return {
            field.field: list(field.value) if isinstance(field.value, tuple) else field.value
            for field in self.fields
        }


def consolidate(
    task: TaskSpec, answers: Sequence[AnswerRow], weighting: Weighting | None = None
) -> AssetAnswer:
    """Return the consolidation of the answers about one asset, independent of their order.

    Raises:
        ValueError: there is no answer, or they are about several assets.
    """
    if len({answer.asset_id for answer in answers}) != 1:
        raise ValueError("consolidate takes the answers about one asset")
    rows = sorted(answers, key=_by_age)
    weights = weights_of(rows, weighting or Weighting())
    return AssetAnswer(
        rows[0].asset_id,
        rows[0],
        tuple(row.subject_id for row in rows),
        tuple(_decide(field, rows, weights) for field in task.fields),
    )


def weights_of(rows: Sequence[AnswerRow], weighting: Weighting) -> list[float]:
    """Return the weight of each answer, above 0 for each."""
    sure = [_confidence(row, weighting.confidence) for row in rows]
    least_sure = min((confidence for confidence in sure if confidence is not None), default=1.0)
    ages = _ages_days(rows)
    oldest = max((age for age in ages if age is not None), default=0.0)
    weights = []
    for confidence, age in zip(sure, ages, strict=True):
        weight = least_sure if confidence is None else confidence
        if weighting.half_life_days is not None:
            weight *= 0.5 ** ((oldest if age is None else age) / weighting.half_life_days)
        weights.append(max(weight, 1e-12))
    return weights


def known_value(field: FieldSpec, answer: Mapping[str, object]) -> Value | None:
    """Return an answer's value in a field; ``None`` if it is not known, or of another type."""
    value = answer.get(field.name)
    match field.type, value:
        case "boolean", bool():
            return value
        case (("integer" | "number"), int() | float()):
            usable = not isinstance(value, bool) and math.isfinite(value)
            return value if usable else None
        case "list", list():
            return tuple(sorted({str(member) for member in value})) or None
        case (("boolean" | "integer" | "number" | "list"), _):
            return None
        case _, str():
            text = value.strip()
            return text if text and not (field.type == "enum" and text == UNKNOWN) else None
        case _:
            return None


def _by_age(row: AnswerRow) -> tuple[float, str]:
    time = row.capture_time
    return (math.inf if time is None else -time.timestamp(), row.subject_id)


def _confidence(row: AnswerRow, field: str | None) -> float | None:
    value = row.answer.get(field) if field is not None else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return min(1.0, max(0.0, float(value)))


def _ages_days(rows: Sequence[AnswerRow]) -> list[float | None]:
    times = [None if row.capture_time is None else row.capture_time.timestamp() for row in rows]
    newest = max((time for time in times if time is not None), default=0.0)
    return [None if time is None else (newest - time) / _DAY_S for time in times]


def _decide(field: FieldSpec, rows: Sequence[AnswerRow], weights: Sequence[float]) -> FieldVerdict:
    """Return the consolidated value of a field; the rows are sorted, the newest first."""
    known = [
        (value, weight, row.subject_id)
        for row, weight in zip(rows, weights, strict=True)
        if (value := known_value(field, row.answer)) is not None
    ]
    if not known:
        return FieldVerdict(field.name, "unknown", None, 0.0)
    total = math.fsum(weight for _, weight, _ in known)
    if field.type == "list":
        return _of_list(field, known, total)
    evidence = _evidence([(value, weight, who) for value, weight, who in known], total)
    if field.type == "number":
        middle = _median([(float(value), weight) for value, weight, _ in known])  # type: ignore[arg-type]  # numbers
        share = next(support.share for support in evidence if support.value == middle)
        return FieldVerdict(field.name, "agreed", middle, share, evidence)
    best = evidence[0]
    verdict: Verdict = "agreed"
    if field.type in COMPARABLE and len(evidence) > 1:
        verdict = "tie" if evidence[1].share >= best.share - _EQUAL else "conflict"
    return FieldVerdict(field.name, verdict, best.value, best.share, evidence)


def _of_list(
    field: FieldSpec, known: Sequence[tuple[Value, float, str]], total: float
) -> FieldVerdict:
    """Return the items with more than half of the weight; if there are none, the best ones."""
    votes = [
        (member, weight, who)
        for value, weight, who in known
        if isinstance(value, tuple)
        for member in value
    ]
    evidence = _evidence(votes, total)
    best = [support for support in evidence if support.share > 0.5 + _EQUAL]
    tied = not best
    best = best or [support for support in evidence if support.share >= evidence[0].share - _EQUAL]
    members = tuple(sorted(str(support.value) for support in best))
    differs = any(support.share < 1 - _EQUAL for support in evidence)
    verdict: Verdict = ("tie" if tied else "conflict") if differs else "agreed"
    return FieldVerdict(field.name, verdict, members, min(each.share for each in best), evidence)


def _evidence(votes: Sequence[tuple[Value, float, str]], total: float) -> tuple[Evidence, ...]:
    """Return the values, the best supported first; ties by their newest image."""
    shares: dict[Value, list[float]] = {}
    subjects: dict[Value, list[str]] = {}
    for value, weight, who in votes:
        shares.setdefault(value, []).append(weight)
        subjects.setdefault(value, []).append(who)
    evidence = [
        Evidence(value, min(1.0, math.fsum(some) / total), tuple(subjects[value]))
        for value, some in shares.items()  # in the order of the newest image
    ]
    return tuple(sorted(evidence, key=lambda support: -round(support.share, 9)))


def _median(values: Sequence[tuple[float, float]]) -> float:
    """Return the weighted median: the least value with half of the weight at or below it."""
    ordered = sorted(values)
    half = math.fsum(weight for _, weight in ordered) / 2
    so_far = 0.0
    for value, weight in ordered:
        so_far += weight
        if so_far >= half - _EQUAL:
            return value
    return ordered[-1][0]
