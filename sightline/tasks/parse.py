"""Reads a task file; every error names the file, the line and the key."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Mapping
from typing import Any, get_args

from sightline.errors import ConfigurationError
from sightline.model import asset_class
from sightline.suggestions import did_you_mean
from sightline.tasks.field_types import FIELD_FORMS
from sightline.tasks.spec import UNKNOWN, FieldSpec, MediaResolution, TaskSpec

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_RESERVED_TASKS = frozenset(
    {"classifications", "dead_letters", "embeddings", "observations", "runs", "work_items"}
)
_RESERVED = frozenset({"part_key", "subject_id", "observation_id", "asset_id", "task", "model"})


def _check_again(origin: str) -> str:
    """Return the command that checks a file again, for an error's end; empty if it is no file."""
    is_file = origin.endswith(".toml")
    return f", then run `sightline tasks check {shlex.quote(origin)}`" if is_file else ""


class _Reader:
    def __init__(self, text: str, origin: str) -> None:
        self.text = text
        self.origin = origin

    def fail(self, path: tuple[str, ...], complaint: str) -> ConfigurationError:
        line = _line_of(self.text, path)
        key = ".".join(path)
        return ConfigurationError(
            f"{self.origin}, line {line}: {key}: {complaint}; fix it{_check_again(self.origin)}"
        )

    def get(
        self,
        table: Mapping[str, Any],
        path: tuple[str, ...],
        kind: type | tuple[type, ...],
        default: Any = ...,
    ) -> Any:
        value = table.get(path[-1], default)
        if value is ...:
            raise self.fail(path, f"is missing; add {path[-1]} = ...")
        if value is default:
            return value
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            kinds = kind if isinstance(kind, tuple) else (kind,)
            names = " or ".join(_KINDS[kind] for kind in kinds)
            raise self.fail(path, f"{value!r} must be {names}")
        return value

    def only(self, table: Mapping[str, Any], path: tuple[str, ...], known: set[str]) -> None:
        for key in table:
            if key not in known:
                accepted = ", ".join(sorted(known))
                raise self.fail(
                    (*path, key),
                    f"is not a key of a task{did_you_mean(key, known)}; accepted: {accepted}",
                )

    def choice(self, value: str, path: tuple[str, ...], accepted: tuple[str, ...]) -> str:
        if value not in accepted:
            meant = did_you_mean(value, accepted)
            raise self.fail(path, f"{value!r} is not one of {', '.join(accepted)}{meant}")
        return value


_KINDS: dict[type, str] = {
    str: 'a string, "..."',
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    list: "a list, [...]",
    dict: "a table",
}


def _line_of(text: str, path: tuple[str, ...]) -> int:
    """Return the line of a key; else that of its table, or 1."""
    table, best = "", 1
    target = ".".join(path)
    for number, line in enumerate(text.splitlines(), 1):
        header = re.match(r"\s*\[([^\]]+)\]", line)
        entry = re.match(r"\s*([A-Za-z0-9_\-\"']+)\s*=", line)
        if header:
            table = header.group(1).replace(" ", "").replace('"', "")
            full = table
        elif entry:
            full = ".".join(filter(None, (table, entry.group(1).strip("\"'"))))
        else:
            continue
        if full == target:
            return number
        if target.startswith(full + ".") and header:
            best = number
    return best


def complaint_of_name(name: str) -> str:
    """Return why a task cannot have this name; nothing where it can."""
    if not _NAME.fullmatch(name):
        return f"{name!r} must begin with a to z, then a to z, digits or _"
    if name in _RESERVED_TASKS:
        return f"{name!r} is the name of a ledger, which has the view {name}_current"
    return ""


_TASK_KEYS = {
    "name", "description", "asset_types", "model", "prompt", "media_resolution", "temperature",
    "seed", "thinking_budget", "max_output_tokens", "multi_observation", "price", "fields",
}  # fmt: skip
_FIELD_KEYS = {"type", "description", "values", "minimum", "maximum"}


def parse_task(text: str, origin: str = "task") -> TaskSpec:
    """Return the task in a TOML text.

    Raises:
        ConfigurationError: naming ``origin``, the line and the key.
    """
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(
            f"{origin}: not TOML: {error}; fix it{_check_again(origin)}"
        ) from error
    read = _Reader(text, origin)
    read.only(raw, (), _TASK_KEYS)
    name = read.get(raw, ("name",), str)
    complaint = complaint_of_name(name)
    if complaint:
        raise read.fail(("name",), complaint)
    resolution = read.get(raw, ("media_resolution",), str, "medium")
    read.choice(resolution, ("media_resolution",), get_args(MediaResolution))
    prompt = read.get(raw, ("prompt",), str).strip()
    if not prompt:
        raise read.fail(("prompt",), "is empty; write the question")
    price = read.get(raw, ("price",), dict, {})
    read.only(price, ("price",), {"prompt_usd", "answer_usd"})
    number = (int, float)
    temperature = float(read.get(raw, ("temperature",), number, 0.0))
    if not 0 <= temperature <= 2:
        raise read.fail(("temperature",), f"{temperature} is not from 0 to 2")
    return TaskSpec(
        name=name,
        description=read.get(raw, ("description",), str, "").strip(),
        prompt=prompt,
        fields=_parse_fields(read, raw),
        asset_types=tuple(map(asset_class, _texts(read, raw, ("asset_types",)))),
        model=read.get(raw, ("model",), str, ""),
        media_resolution=resolution,
        temperature=temperature,
        seed=read.get(raw, ("seed",), int, None),
        thinking_budget=read.get(raw, ("thinking_budget",), int, None),
        max_output_tokens=read.get(raw, ("max_output_tokens",), int, 1024),
        multi_observation=read.get(raw, ("multi_observation",), bool, False),
        prompt_price_usd=read.get(price, ("price", "prompt_usd"), number, None),
        answer_price_usd=read.get(price, ("price", "answer_usd"), number, None),
        toml=text,
    )


def _texts(read: _Reader, table: Mapping[str, Any], path: tuple[str, ...]) -> tuple[str, ...]:
    values = read.get(table, path, list, [])
    for value in values:
        if not isinstance(value, str) or not value:
            raise read.fail(path, f"{value!r} must be a string")
    if len(set(values)) != len(values):
        raise read.fail(path, "lists a value twice")
    return tuple(values)


def _parse_fields(read: _Reader, raw: Mapping[str, Any]) -> tuple[FieldSpec, ...]:
    fields = read.get(raw, ("fields",), dict)
    if not fields:
        raise read.fail(("fields",), "is empty; add a [fields.NAME] table")
    return tuple(_parse_field(read, name, fields) for name in fields)


def _parse_field(read: _Reader, name: str, fields: Mapping[str, Any]) -> FieldSpec:
    path = ("fields", name)
    table = read.get(fields, path, dict)
    if not _NAME.fullmatch(name) or name in _RESERVED:
        reserved = ", ".join(sorted(_RESERVED))
        raise read.fail(
            path,
            f"a field's name begins with a to z, then a to z, digits or _, and is not {reserved}",
        )
    read.only(table, path, _FIELD_KEYS)
    kind = read.get(table, (*path, "type"), str)
    read.choice(kind, (*path, "type"), tuple(FIELD_FORMS))
    values = _texts(read, table, (*path, "values"))
    if kind == "enum" and (UNKNOWN not in values or len(values) < 2):
        raise read.fail((*path, "values"), f'an enum has values, "{UNKNOWN}" among them')
    if values and kind not in {"enum", "list"}:
        raise read.fail((*path, "values"), f"a {kind} has no values")
    low, high = (
        read.get(table, (*path, key), (int, float), None) for key in ("minimum", "maximum")
    )
    if (low is not None or high is not None) and kind not in {"integer", "number"}:
        raise read.fail((*path, "minimum"), f"a {kind} has no bounds")
    if low is not None and high is not None and low > high:
        raise read.fail((*path, "minimum"), f"{low} is above the maximum, {high}")
    description = read.get(table, (*path, "description"), str)
    return FieldSpec(name, kind, description.strip(), values, low, high)
