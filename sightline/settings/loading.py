"""Reads settings from defaults, a TOML file, the environment and the command line.

Later sources win: defaults, then ``sightline.toml`` (or ``--config``, or ``SIGHTLINE_CONFIG``),
then ``SIGHTLINE_<SECTION>__<KEY>``, then what the command line says.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import tomllib
import types
from collections.abc import Iterator, Mapping
from dataclasses import asdict, is_dataclass, replace
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from sightline.errors import ConfigurationError
from sightline.redaction import shown_endpoint, without_secrets
from sightline.settings.endpoints import check_endpoints
from sightline.settings.secrets import register_secrets, register_secrets_in
from sightline.settings.sections import Settings, TelemetrySettings

CONFIG_FILE = "sightline.toml"
PREFIX = "SIGHTLINE_"
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]*")
_ENDPOINT = re.compile(r"https?://[^\s/?#@]+(/[^\s?#@]*)?")


def load_settings(
    *,
    config: Path | None = None,
    environment: Mapping[str, str] | None = None,
    overrides: Mapping[str, Any] | None = None,
    directory: Path | None = None,
) -> Settings:
    """Return the settings in force.

    Raises:
        ConfigurationError: naming the key, its value and what is accepted.
    """
    env = os.environ if environment is None else environment
    base = directory or Path.cwd()
    named = config or (Path(env[PREFIX + "CONFIG"]) if env.get(PREFIX + "CONFIG") else None)
    settings = Settings(home=base / ".sightline")
    path = named or base / CONFIG_FILE
    sources: list[tuple[dict[str, Any], str, Path]] = []
    if named is not None or path.is_file():
        sources.append((_read_file(path), str(path), path.parent.resolve()))
    sources.append((_from_environment(env), "environment", base))
    sources.append((dict(overrides or {}), "command line", base))
    for values, _, _ in sources:
        register_secrets_in(values)  # before any of them can be named in an error
    for values, origin, folder in sources:
        settings = _merge(settings, values, origin, folder)
    register_secrets(settings, env)
    return _check(settings)


def _read_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigurationError(f"no settings file {path}; give --config FILE") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"{path}: cannot be read: {error}; mend it") from error


def _from_environment(env: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in env.items():
        if not name.startswith(PREFIX) or name == PREFIX + "CONFIG":
            continue
        *sections, key = name.removeprefix(PREFIX).lower().split("__")
        table = found
        for section in sections:
            table = table.setdefault(section, {})
        table[key] = value
    return found


def _merge(current: Any, values: Mapping[str, Any], origin: str, base: Path, at: str = "") -> Any:
    hints = get_type_hints(type(current))
    changes: dict[str, Any] = {}
    for key, value in values.items():
        where = f"{at}{key}"
        if key not in hints:
            accepted = ", ".join(sorted(hints))
            raise ConfigurationError(f"{origin}: {where} is no setting; accepted: {accepted}")
        kind = hints[key]
        if is_dataclass(kind):
            if not isinstance(value, Mapping):
                raise ConfigurationError(
                    f"{origin}: {where} = {_shown(value)} must be a table [{where}]"
                )
            changes[key] = _merge(getattr(current, key), value, origin, base, f"{where}.")
        else:
            changes[key] = _convert(value, kind, f"{origin}: {where}", base)
    return replace(current, **changes)


def _convert(value: Any, kind: Any, where: str, base: Path) -> Any:
    if get_origin(kind) in {Union, types.UnionType}:
        if value is None or value == "":
            return None
        kind = next(one for one in get_args(kind) if one is not type(None))
    if get_origin(kind) is Literal:
        if value not in get_args(kind):
            accepted = ", ".join(map(str, get_args(kind)))
            raise ConfigurationError(
                f"{where} = {_shown(value)} is not accepted; accepted: {accepted}"
            )
        return value
    if get_origin(kind) is Mapping:
        if not (isinstance(value, Mapping) and all(isinstance(one, str) for one in value.values())):
            raise ConfigurationError(
                f"{where} = {_shown(value)} is not accepted; accepted: a table of texts"
            )
        return dict(value)
    if get_origin(kind) is tuple:
        return _convert_list(value, get_args(kind)[0], where, base)
    with contextlib.suppress(TypeError, ValueError, KeyError):  # told just below, with an example
        return _convert_plain(value, kind, base)
    example = {
        bool: "true or false",
        int: "64",
        float: "2.5",
        str: '"a text"',
        Path: '"a/path"',
    }.get(kind, "a value")
    raise ConfigurationError(f"{where} = {_shown(value)} is not accepted; accepted: {example}")


def _shown(value: Any) -> str:
    """Return a value as a message shows it; a URL without what may be secret in it."""
    is_endpoint = isinstance(value, str) and "://" in value
    return without_secrets(repr(shown_endpoint(value) if is_endpoint else value))


def _convert_list(value: Any, kind: Any, where: str, base: Path) -> tuple[Any, ...]:
    """Return a list of paths or texts; in the environment it is JSON, or one text."""
    given = value
    if isinstance(given, str):
        given = [given] if given else []
        with contextlib.suppress(ValueError):  # one text, then
            given = json.loads(value)
    if not (isinstance(given, list | tuple) and all(isinstance(one, str | Path) for one in given)):
        raise ConfigurationError(
            f'{where} = {value!r} is not accepted; accepted: a list of texts, ["a", "b"] say'
        )
    return tuple(_convert(one, kind, where, base) for one in given)


def _convert_plain(value: Any, kind: Any, base: Path) -> Any:
    """Return the value as a setting of this kind; raises where it is none."""
    if kind is bool:
        return {"true": True, "false": False}[str(value).lower()]
    if kind is Path and isinstance(value, str | Path) and value != "":
        return base / Path(value).expanduser()
    if kind is str and isinstance(value, str):
        return value
    if kind in {int, float} and not isinstance(value, bool):
        return kind(value)
    raise ValueError(value)


_AT_LEAST: tuple[tuple[str, float], ...] = (
    ("worker.max_outstanding", 1), ("worker.prefetch", 1), ("worker.lease_s", 1),
    ("worker.max_lease_s", 1), ("worker.idle_poll_s", 0.001), ("worker.flush_rows", 1),
    ("worker.flush_s", 0), ("worker.grace_s", 0), ("worker.drain_idle_s", 0),
    ("worker.drain_missing_s", 0), ("worker.cancel_poll_s", 0.01),
    ("worker.call_timeout_s", 0.1), ("worker.max_attempts", 1), ("worker.tries_per_lease", 1),
    ("worker.backoff_s", 0), ("worker.max_backoff_s", 0), ("worker.retry_budget", 0),
    ("worker.systemic_failures", 1), ("worker.systemic_hold_s", 0),
    ("classify_limit.in_flight", 1), ("classify_limit.rate_per_s", 0),
    ("embed_limit.in_flight", 1), ("embed_limit.rate_per_s", 0),
    ("models.embed_dimension", 1), ("models.inference_threads", 1), ("models.batch_size", 1),
    ("models.max_response_bytes", 1000),
    ("producer.buckets", 1), ("producer.range_items", 1),
    ("images.max_bytes", 1), ("images.max_pixels", 1), ("queue.backstop_attempts", 5),
    ("bigquery.max_gb_billed", 0.01),
    ("batch.requests_a_job", 1), ("batch.look_every_s", 0.01),
)  # fmt: skip


_AT_MOST: tuple[tuple[str, float], ...] = (
    ("producer.buckets", 4096), ("producer.range_items", 100_000),
    ("models.batch_size", 4096), ("models.max_response_bytes", 1_000_000_000),
    ("queue.backstop_attempts", 100),
    ("batch.requests_a_job", 200_000),
)  # fmt: skip


def _check(settings: Settings) -> Settings:
    for name, least in _AT_LEAST:
        section, key = name.split(".")
        value = getattr(getattr(settings, section), key)
        if not least <= value < float("inf"):
            raise ConfigurationError(f"{name} = {value} is not accepted; accepted: {least} or more")
    for name, most in _AT_MOST:
        section, key = name.split(".")
        value = getattr(getattr(settings, section), key)
        if value > most:
            raise ConfigurationError(f"{name} = {value} is not accepted; accepted: {most} or less")
    if settings.worker.max_lease_s < settings.worker.lease_s:
        raise ConfigurationError(
            f"worker.max_lease_s = {settings.worker.max_lease_s} is not accepted;"
            f" accepted: worker.lease_s, {settings.worker.lease_s}, or more"
        )
    check_endpoints(settings)
    for bucket in settings.images.buckets:
        if not _BUCKET.fullmatch(bucket):
            raise ConfigurationError(
                f"images.buckets: {bucket!r} is not accepted; accepted: a bucket's name, my-bucket"
                " say, without gs:// and without a prefix"
            )
    _check_telemetry(settings.telemetry)
    return settings


def _check_telemetry(own: TelemetrySettings) -> None:
    port = own.prometheus_port
    if port is not None and not 0 <= port <= 65535:
        raise ConfigurationError(
            f"telemetry.prometheus_port = {port} is not accepted; accepted: 0 to 65535"
        )
    for name in own.host_names:
        if not _HOST.fullmatch(name):
            raise ConfigurationError(
                f"telemetry.prometheus_hosts = {shown_endpoint(own.prometheus_hosts)!r} is not"
                " accepted; accepted: names such as worker or worker.lan:9464, commas between them"
            )
    if own.otlp_endpoint and not _ENDPOINT.fullmatch(own.otlp_endpoint):
        # Settings are shown and recorded, so they hold no credentials; nor does this message.
        raise ConfigurationError(
            "telemetry.otlp_endpoint is not accepted; accepted: a URL such as"
            " http://127.0.0.1:4318, without user, query and fragment: credentials go into the"
            " environment variable OTEL_EXPORTER_OTLP_HEADERS"
        )


def describe(settings: Settings) -> dict[str, Any]:
    """Return the settings as plain values, for ``doctor`` and for run records."""
    return asdict(
        settings,
        dict_factory=lambda pairs: {key: _plain(value) for key, value in pairs},
    )


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return str(value) if isinstance(value, Path) else value


def as_environment(settings: Settings) -> dict[str, str]:
    """Return variables from which another process reads these very settings."""
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
