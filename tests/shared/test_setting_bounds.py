"""Every setting holds to what its field says, in a file and in the environment alike."""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Mapping
from functools import reduce
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
from hypothesis import given, settings
from pydantic import ValidationError

from sightline.errors import ConfigurationError
from sightline.settings import Settings, SqlSettings, WorkerSettings, as_environment, load_settings
from sightline.settings.fields import accepted_by, bounds_of, required_kind
from tests.shared.setting_values import FIELDS, accepted, refused, refused_texts

NUMBERS = [name for name, info in FIELDS.items() if required_kind(info.annotation) in {int, float}]
BESIDE: Mapping[str, Mapping[str, float]] = {
    "worker.lease_s": {"worker.max_lease_s": 604_800.0},
    "worker.max_lease_s": {"worker.lease_s": 0.01},
}
"""What another setting must be, for any value of this one to fit it."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("settings")


def written(value: Any) -> str:
    """Return a value as TOML."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key} = {written(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(written, value)) + "]"
    return json.dumps(value) if isinstance(value, bool) else repr(value)


def by_file(folder: Path, name: str, value: Any) -> Settings:
    """Return the settings with a value from a file; and with what has to be beside it."""
    lines = [
        f"{key} = {written(setting)}\n"
        for key, setting in {**BESIDE.get(name, {}), name: value}.items()
    ]
    (folder / "sightline.toml").write_text("".join(lines), encoding="utf-8")
    return load_settings(directory=folder, environment={}, config=folder / "sightline.toml")


def by_variable(folder: Path, name: str, value: Any) -> Settings:
    """Return the settings with a value from the environment."""
    (folder / "sightline.toml").unlink(missing_ok=True)
    variables: dict[str, str] = {}
    for key, setting in {**BESIDE.get(name, {}), name: value}.items():
        variable = f"SIGHTLINE_{key.upper().replace('.', '__')}"
        if isinstance(setting, Mapping):
            variables |= {f"{variable}__{inner.upper()}": text for inner, text in setting.items()}
        else:
            variables[variable] = json.dumps(setting) if isinstance(setting, list) else str(setting)
    return load_settings(directory=folder, environment=variables)


def value_of(settings_read: Settings, name: str) -> Any:
    return reduce(getattr, name.split("."), settings_read)


def expected(folder: Path, name: str, value: Any) -> Any:
    """Return what a setting is, once the value is read."""
    kind = required_kind(FIELDS[name].annotation)
    if get_origin(kind) is tuple:
        return tuple(folder / part if get_args(kind)[0] is Path else part for part in value)
    return folder / value if kind is Path else value


@pytest.mark.parametrize("name", FIELDS)
def test_a_value_that_a_field_accepts_comes_back_from_everywhere(folder: Path, name: str) -> None:
    @settings(max_examples=12, deadline=None)
    @given(accepted(name))
    def comes_back(value: Any) -> None:
        meant = expected(folder, name, value)
        for settings_read in (by_file(folder, name, value), by_variable(folder, name, value)):
            value_read = value_of(settings_read, name)
            assert value_read == meant
            assert type(value_read) is type(meant)
            again = load_settings(
                directory=folder / "other", environment=as_environment(settings_read)
            )
            assert again == settings_read

    comes_back()


@pytest.mark.parametrize("name", FIELDS)
def test_a_value_that_a_file_may_not_hold_is_refused_in_one_line(folder: Path, name: str) -> None:
    @settings(max_examples=15, deadline=None)
    @given(refused(name))
    def is_refused(value: Any) -> None:
        with pytest.raises(ConfigurationError) as caught:
            by_file(folder, name, value)
        check_told(str(caught.value), name, value)

    is_refused()


@pytest.mark.parametrize("name", FIELDS)
def test_a_variable_that_a_field_refuses_is_told_in_one_line(folder: Path, name: str) -> None:
    texts = refused_texts(name)
    if texts is None:
        assert FIELDS[name].annotation is str, "a kind whose texts are not all accepted"
        return

    @settings(max_examples=12, deadline=None)
    @given(texts)
    def is_refused(text: str) -> None:
        with pytest.raises(ConfigurationError) as caught:
            by_variable(folder, name, text)
        assert str(caught.value).startswith("environment: ")
        check_told(str(caught.value), name, None)

    is_refused()


def check_told(message: str, name: str, value: Any) -> None:
    """Check that a refusal is one line with the key, the value and what is accepted."""
    assert "\n" not in message
    assert "geheim" not in message
    assert f"{name} = " in message
    assert message.endswith(f" is not accepted; accepted: {accepted_by(FIELDS[name])}")
    if isinstance(value, int | float):
        assert f"{name} = {tomllib.loads(f'v = {written(value)}')['v']!r} is not" in message


@pytest.mark.parametrize("name", NUMBERS)
def test_every_number_has_finite_bounds_around_its_default(name: str) -> None:
    least, most = bounds_of(FIELDS[name])
    assert 0 <= least < most < math.inf
    default = FIELDS[name].default
    assert default is None or least <= default <= most


def test_every_setting_says_what_it_means() -> None:
    assert [name for name, info in FIELDS.items() if not info.description] == []


@pytest.mark.parametrize(
    "values",
    [
        {"parts_a_statement": 0}, {"parts_a_statement": -5}, {"parts_a_statement": 2.9},
        {"parts_a_statement": True}, {"look_every_s": math.nan}, {"look_every_s": -1.0},
    ],
)  # fmt: skip
def test_no_part_of_the_program_can_make_settings_that_are_out_of_bounds(values: Any) -> None:
    with pytest.raises(ValidationError):
        SqlSettings(**values)


def test_a_lease_is_no_longer_than_it_is_extended(folder: Path) -> None:
    complaint = r"worker\.max_lease_s = 3600\.0 is not accepted; accepted: worker\.lease_s, 5000"
    with pytest.raises(ConfigurationError, match=complaint):
        by_file(folder, "worker", {"lease_s": 5000})
    assert WorkerSettings(lease_s=5000.0, max_lease_s=6000.0).max_lease_s == 6000.0


def test_a_later_source_may_mend_what_an_earlier_one_breaks(folder: Path) -> None:
    (folder / "sightline.toml").write_text("[worker]\nlease_s = 5000\n")
    variables = {"SIGHTLINE_WORKER__MAX_LEASE_S": "6000"}
    settings_read = load_settings(directory=folder, environment=variables)
    assert (settings_read.worker.lease_s, settings_read.worker.max_lease_s) == (5000.0, 6000.0)


@pytest.mark.parametrize("name", ["SIGHTLINE_WORKER", "SIGHTLINE_WORKER__GRACE_S"])
def test_a_variable_that_is_a_section_and_a_setting_at_once_is_told(
    folder: Path, name: str
) -> None:
    variables = {name: "2", f"{name}__LEASE_S": "3"}
    with pytest.raises(ConfigurationError, match=r"environment: worker.* = '2' must be a table"):
        load_settings(directory=folder, environment=variables)


def test_a_path_below_the_home_of_nobody_is_refused(folder: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"home = '~nobody-here/a' .* accepted: a path"):
        by_file(folder, "home", "~nobody-here/a")
