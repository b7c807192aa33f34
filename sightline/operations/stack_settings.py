"""Turns the settings in a stack's outputs into the text of a settings file."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sightline.errors import ConfigurationError, NotFoundError
from sightline.given_files import obstacle
from sightline.settings import load_settings

_HEAD = """\
# Settings of Sightline: docs/settings.md lists them all, with their defaults.
# Made from a stack's outputs by `sightline config from-stack`; `--force` creates it again.
"""


def outputs_of_file(file: Path) -> str:
    """Return the text of a file of outputs.

    Raises:
        NotFoundError: there is no such file.
        ConfigurationError: it cannot be read.
    """
    if not file.exists():
        raise NotFoundError(f"no file {file}; `pulumi stack output --json > {file}` creates it")
    if what := obstacle(file):
        raise ConfigurationError(f"{file}: {what}; give a file of `pulumi stack output --json`")
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{file} is not UTF-8; save it as UTF-8") from error


def outputs_of_pulumi(stack: str = "") -> str:
    """Return the outputs of a stack as ``pulumi`` prints them, by default of the selected stack.

    Raises:
        ConfigurationError: pulumi is not installed, or prints no outputs.
    """
    pulumi = shutil.which("pulumi")
    if pulumi is None:
        raise ConfigurationError(
            "pulumi is not on the path; install it, or give a file of `pulumi stack output --json`"
        )
    command = [pulumi, "stack", "output", "--json", *(["--stack", stack] if stack else [])]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise ConfigurationError(
            f"pulumi did not return the outputs: {reason}; run this where Pulumi.yaml is, or"
            " give --stack"
        )
    return done.stdout


def settings_text(outputs: str, where: str) -> str:
    """Return the settings in a stack's outputs as the text of a file.

    Raises:
        ConfigurationError: the outputs, which ``where`` names, contain no settings, or a setting or
            value that this version does not know.
    """
    settings = _settings(outputs, where)
    try:
        load_settings(environment={}, overrides=settings, directory=Path("/nowhere"))
    except ConfigurationError as error:
        reason = str(error).replace("command line: ", "", 1)
        raise ConfigurationError(f"the stack's outputs: {reason}") from error
    lines = [
        f"{name} = {_toml(value)}"
        for name, value in sorted(settings.items())
        if not isinstance(value, Mapping)
    ]
    for name, section in sorted(settings.items()):
        if isinstance(section, Mapping):
            lines += ["", f"[{name}]"]
            lines += [f"{key} = {_toml(value)}" for key, value in sorted(section.items())]
    return _HEAD + "\n".join(lines) + "\n"


def _settings(outputs: str, where: str) -> Mapping[str, Any]:
    try:
        document = json.loads(outputs)
    except ValueError as error:
        raise ConfigurationError(
            f"{where} is not JSON ({error}); give what `pulumi stack output --json` prints"
        ) from error
    if not isinstance(document, Mapping) or not isinstance(document.get("settings"), Mapping):
        raise ConfigurationError(
            f"{where} contains no `settings`; give the outputs of a stack of Sightline,"
            " after `pulumi up`"
        )
    settings: Mapping[str, Any] = document["settings"]
    return settings


def _toml(value: object) -> str:
    """Return a text or number as TOML, whose basic strings are JSON's except for one character."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
