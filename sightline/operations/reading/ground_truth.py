"""Reads ground truth from a file, and checks it against its tasks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sightline.analysis.evaluation import Truth
from sightline.errors import ConfigurationError, NotFoundError
from sightline.given_files import obstacle
from sightline.tasks import FieldSpec, TaskSpec

EXAMPLE = '{"observation_id": "a1", "task": "road_signs", "truth": {"condition": "good"}}'


def read_truth(path: Path, tasks: Mapping[str, TaskSpec]) -> Iterator[Truth]:
    """Yield the lines of a ``ground_truth.jsonl``, without the fields whose truth is null.

    Null means that the truth is not known, so an answer can be neither right nor wrong.

    Raises:
        NotFoundError: there is no such file.
        ConfigurationError: a line is invalid, or no answer of its task could match it; a task that
            is not among ``tasks`` is not checked.
    """
    if what := obstacle(path):
        raise NotFoundError(f"{path}: {what}; give a ground_truth.jsonl")
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    row = json.loads(line)
                    subject_id, name = str(row["observation_id"]), str(row["task"])
                    truth = dict(row["truth"])
                except (ValueError, KeyError, TypeError, RecursionError) as error:
                    raise ConfigurationError(
                        f"{path}, line {number} is not a line of ground truth; give lines such as"
                        f" {EXAMPLE}"
                    ) from error
                fault = _fault(truth, tasks[name]) if name in tasks else ""
                if fault:
                    raise ConfigurationError(f"{path}, line {number}: {fault}")
                known = {field: value for field, value in truth.items() if value is not None}
                yield subject_id, name, known
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path} is not UTF-8; give a ground_truth.jsonl") from error


def _fault(truth: Mapping[str, Any], task: TaskSpec) -> str:
    """Return what no answer of a task could match, and what to do; empty if all can."""
    fields = {field.name: field for field in task.fields}
    for name, value in truth.items():
        if name not in fields:
            return f"{task.name} has no field {name!r}; its fields: {', '.join(fields)}"
        if value is not None and not _may_be(value, fields[name]):
            return f"{task.name}.{name} is never {value!r}; give {_accepted(fields[name])}"
    return ""


def _may_be(value: object, field: FieldSpec) -> bool:
    match field.type:
        case "boolean":
            return isinstance(value, bool)
        case "integer" | "number":
            whole = field.type == "integer"
            return (
                isinstance(value, int | float)
                and not isinstance(value, bool)
                and (not whole or value == value // 1)
            )
        case "list":
            return isinstance(value, list) and all(
                isinstance(each, str) and (not field.values or each in field.values)
                for each in value
            )
        case _:
            return isinstance(value, str) and (not field.values or value in field.values)


def _accepted(field: FieldSpec) -> str:
    """Describe the accepted truth of a field."""
    of = f" of {', '.join(field.values)}" if field.values else ""
    if field.type == "list":
        of = of or " of strings"
    return f"{field.form.words}{of}, or null where it is not known"
