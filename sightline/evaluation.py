"""Measures answers against ground truth: accuracy a field, beside the majority class."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sightline.errors import ConfigurationError, NotFoundError

if TYPE_CHECKING:
    from sightline.tasks import FieldSpec, TaskSpec


@dataclass(frozen=True, slots=True)
class FieldScore:
    """How well one field of one task was answered.

    ``accuracy`` is over all subjects with truth, an answer of unknown counted as wrong;
    ``majority`` is what always answering the commonest value would reach.
    """

    task: str
    field: str
    subjects: int
    answered: int
    accuracy: float
    majority: float


Truth = tuple[str, str, Mapping[str, Any]]
"""Observation id, task, and the true value of each field."""


def read_truth(path: Path, tasks: Mapping[str, TaskSpec]) -> Iterator[Truth]:
    """Yield the lines of a ``ground_truth.jsonl``, without the fields whose truth is null.

    Null says that the truth is not known, so no answer can be right or wrong about it.

    Raises:
        NotFoundError: there is no such file.
        ConfigurationError: naming the line that is wrong, also one that no answer of its task could
            agree with; a task that is not among ``tasks`` is not checked.
    """
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    row = json.loads(line)
                    found = (str(row["observation_id"]), str(row["task"]), dict(row["truth"]))
                except (ValueError, KeyError, TypeError, RecursionError) as error:
                    raise ConfigurationError(
                        f"{path}, line {number}: {error};"
                        " each line holds observation_id, task, truth"
                    ) from error
                subject_id, name, truth = found
                wrong = _wrong(truth, tasks[name]) if name in tasks else ""
                if wrong:
                    raise ConfigurationError(f"{path}, line {number}: {wrong}")
                yield subject_id, name, {key: one for key, one in truth.items() if one is not None}
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path} is not UTF-8; give a ground_truth.jsonl") from error
    except OSError as error:
        raise NotFoundError(f"{path}: {error.strerror}; give a ground_truth.jsonl") from error


def _wrong(truth: Mapping[str, Any], task: TaskSpec) -> str:
    """Return what no answer of a task could agree with, and what to do; empty where all may."""
    known = {one.name: one for one in task.fields}
    for name, value in truth.items():
        if name not in known:
            return f"{task.name} has no field {name!r}; its fields: {', '.join(known)}"
        if value is not None and not _may_be(value, known[name]):
            return f"{task.name}.{name} is never {value!r}; give {_what(known[name])}"
    return ""


def _may_be(value: object, one: FieldSpec) -> bool:
    match one.type:
        case "boolean":
            return isinstance(value, bool)
        case "integer" | "number":
            whole = one.type == "integer"
            return (
                isinstance(value, int | float)
                and not isinstance(value, bool)
                and (not whole or value == value // 1)
            )
        case "list":
            return isinstance(value, list) and all(
                isinstance(each, str) and (not one.values or each in one.values) for each in value
            )
        case _:
            return isinstance(value, str) and (not one.values or value in one.values)


def _what(one: FieldSpec) -> str:
    """Return in words what the truth of a field may be."""
    of = f" of {', '.join(one.values)}" if one.values else ""
    kind = {
        "boolean": "true or false", "integer": "a whole number", "number": "a number",
        "list": f"a list{of or ' of strings'}", "enum": f"one{of}", "string": "a string",
    }[one.type]  # fmt: skip
    return f"{kind}, or null where it is not known"


def comparable(value: object) -> Hashable:
    """Return a value as it is compared: a list is its members, in no order."""
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
            given = answer.get(name)
            answered[key] += given not in (None, "unknown")
            right[key] += comparable(given) == comparable(value)
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
