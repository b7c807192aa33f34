"""The settings that a stack tells in its outputs, as the text of a settings file."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sightline.errors import ConfigurationError, NotFoundError
from sightline.settings import load_settings

STDIN = "-"
_HEAD = """\
# Settings of Sightline: docs/settings.md lists them all, with their defaults.
# Made from a stack's outputs by `sightline config from-stack`; `--force` makes it anew.
"""


def read_outputs(file: str, stack: str) -> Mapping[str, Any]:
    """Return a stack's outputs: from a file, from standard input, or from ``pulumi`` itself.

    Raises:
        NotFoundError: there is no such file.
        ConfigurationError: it holds no outputs, or pulumi does not tell them.
    """
    if file == STDIN:
        text, where = sys.stdin.read(), "standard input"
    elif file:
        text, where = _of_file(Path(file)), file
    else:
        text, where = _of_pulumi(stack), "pulumi stack output"
    try:
        found = json.loads(text)
    except ValueError as error:
        raise ConfigurationError(
            f"{where} is no JSON ({error}); give what `pulumi stack output --json` prints"
        ) from error
    if not isinstance(found, Mapping) or not isinstance(found.get("settings"), Mapping):
        raise ConfigurationError(
            f"{where} holds no `settings`; give the outputs of a stack of Sightline,"
            " after `pulumi up`"
        )
    return found


def _of_file(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise NotFoundError(
            f"no file {file}; `pulumi stack output --json > {file}` makes it"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file} cannot be read: {error}; give another") from error


def _of_pulumi(stack: str) -> str:
    pulumi = shutil.which("pulumi")
    if pulumi is None:
        raise ConfigurationError(
            "pulumi is not on the path; install it, or give a file of `pulumi stack output --json`"
        )
    command = [pulumi, "stack", "output", "--json", *(["--stack", stack] if stack else [])]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    if done.returncode != 0:
        said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise ConfigurationError(
            f"pulumi does not tell the outputs: {said}; run this where Pulumi.yaml is, or"
            " give --stack"
        )
    return done.stdout


def settings_text(settings: Mapping[str, Any]) -> str:
    """Return the settings as the text of a file.

    Raises:
        ConfigurationError: naming a setting that this version does not know, or its value.
    """
    try:
        load_settings(environment={}, overrides=settings, directory=Path("/nowhere"))
    except ConfigurationError as error:
        said = str(error).replace("command line: ", "", 1)
        raise ConfigurationError(f"the stack's outputs: {said}") from error
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


def _toml(value: object) -> str:
    """Return a text or a number as TOML, whose basic strings are JSON's but for a character."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
