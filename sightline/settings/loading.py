"""Reads settings from defaults, a TOML file, the environment and the command line.

Later sources win: defaults, then ``sightline.toml`` (or ``--config``, or ``SIGHTLINE_CONFIG``),
then ``SIGHTLINE_<SECTION>__<KEY>``, then command line options.
"""

from __future__ import annotations

import json
import os
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from sightline.errors import ConfigurationError
from sightline.given_files import obstacle
from sightline.settings.fields import fields_of, section_of
from sightline.settings.reading import RefusedError, SourceValue, read, shown
from sightline.settings.secrets import register_secrets, register_secrets_in
from sightline.settings.sections import Settings
from sightline.suggestions import did_you_mean

CONFIG_FILE = "sightline.toml"
PREFIX = "SIGHTLINE_"
_GENERAL = ""
"""The name of the section for settings outside any section."""
Section = TypeVar("Section")
BySection = Mapping[str, dict[str, SourceValue]]


@dataclass(frozen=True, slots=True)
class _Source:
    """Values from one source; ``base`` is the folder of their relative paths."""

    values: Mapping[str, Any]
    origin: str
    base: Path
    is_text: bool = False

    def given(self, value: object) -> SourceValue:
        return SourceValue(value, self.origin, self.is_text, self.base)


def load_settings(
    *,
    config: Path | None = None,
    environment: Mapping[str, str] | None = None,
    overrides: Mapping[str, Any] | None = None,
    directory: Path | None = None,
) -> Settings:
    """Return the effective settings.

    Raises:
        ConfigurationError: naming the key, its value and what is accepted.
    """
    env = os.environ if environment is None else environment
    base = directory or Path.cwd()
    named = config or (Path(env[PREFIX + "CONFIG"]) if env.get(PREFIX + "CONFIG") else None)
    path = named or base / CONFIG_FILE
    sources = [_Source({"home": ".sightline"}, "default", base)]
    if named is not None or path.is_file():
        sources.append(_Source(_read_file(path), str(path), path.parent.resolve()))
    sources.append(_Source(_from_environment(env), "environment", base, is_text=True))
    sources.append(_Source(dict(overrides or {}), "command line", base))
    for source in sources:
        register_secrets_in(source.values)  # before an error can name any of them
    values: BySection = defaultdict(dict)
    for source in sources:
        _collect(source, values)
    settings = _build(values)
    register_secrets(settings, env)
    return settings


def _read_file(path: Path) -> dict[str, Any]:
    if not path.exists():
        raise ConfigurationError(f"no settings file {path}; give --config FILE")
    if what := obstacle(path):
        raise ConfigurationError(f"{path}: {what}; give --config FILE")
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"{path}: cannot be read: {error}; correct it") from error


def _from_environment(env: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    # When sorted, a section's own variable precedes those of its settings.
    for name, value in sorted(env.items()):
        if not name.startswith(PREFIX) or name == PREFIX + "CONFIG":
            continue
        *sections, key = name.removeprefix(PREFIX).lower().split("__")
        table = values
        for depth, section in enumerate(sections, 1):
            table = table.setdefault(section, {})
            if not isinstance(table, dict):
                raise _no_table("environment", ".".join(sections[:depth]), table)
        table[key] = value
    return values


def _collect(source: _Source, into: BySection) -> None:
    """Add the values of a source, which override earlier ones."""
    sections = fields_of(Settings)
    for name, value in source.values.items():
        if name not in sections:
            raise _unknown(source.origin, name, sections)
        kind = section_of(sections[name])
        if kind is None:
            into[_GENERAL][name] = source.given(value)
            continue
        if not isinstance(value, Mapping):
            raise _no_table(source.origin, name, value)
        known = fields_of(kind)
        for key, nested in value.items():
            if key not in known:
                raise _unknown(source.origin, f"{name}.{key}", known)
            into[name][key] = source.given(nested)


def _unknown(origin: str, name: str, known: Mapping[str, object]) -> ConfigurationError:
    accepted = ", ".join(sorted(known))
    meant = did_you_mean(name.rpartition(".")[2], known)
    return ConfigurationError(f"{origin}: {name} is not a setting{meant}; accepted: {accepted}")


def _no_table(origin: str, name: str, value: object) -> ConfigurationError:
    return ConfigurationError(f"{origin}: {name} = {shown(value)} must be a table [{name}]")


def _build(values: BySection) -> Settings:
    parts = {
        name: _section(kind, values[name], f"{name}.")
        for name, info in fields_of(Settings).items()
        if (kind := section_of(info)) is not None
    }
    return _section(Settings, values[_GENERAL], "", parts)


def _section(
    kind: type[Section],
    values: Mapping[str, SourceValue],
    at: str,
    parts: Mapping[str, object] | None = None,
) -> Section:
    try:
        return read(kind, values, parts)
    except RefusedError as error:
        refusal = error.refusals[0]
        origin = f"{values[refusal.field].origin}: " if refusal.field in values else ""
        raise ConfigurationError(
            f"{origin}{at}{refusal.field} = {refusal.shown} is not accepted;"
            f" accepted: {refusal.accepted}"
        ) from None


def describe(settings: Settings) -> dict[str, Any]:
    """Return the settings as plain values, for ``doctor`` and for run records."""
    return asdict(
        settings,
        dict_factory=lambda pairs: {key: _plain(value) for key, value in pairs},
    )


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def as_environment(settings: Settings) -> dict[str, str]:
    """Return environment variables from which another process reads the same settings."""
    return dict(_variables(describe(settings), PREFIX))


def _variables(values: Mapping[str, Any], at: str) -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        name = f"{at}{key.upper()}"
        if isinstance(value, Mapping):
            yield from _variables(value, f"{name}__")
        elif isinstance(value, list):
            yield name, json.dumps(value)
        elif value is not None:
            yield name, str(value)
