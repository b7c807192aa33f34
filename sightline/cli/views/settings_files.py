"""What ``sightline init`` and ``sightline config from-stack`` show."""

from __future__ import annotations

from sightline.cli.output import remark, say
from sightline.operations.settings_files import SettingsFile
from sightline.operations.starter_settings import Starter


def starter_json(result: SettingsFile, starter: Starter) -> dict[str, object]:
    """Return the document of ``init --json``."""
    return {"file": result.path, "engine": starter.engine, "written": result.written}


def print_starter(result: SettingsFile, starter: Starter) -> None:
    """Print whether a starter was written, and what is next."""
    _print(result, "setup" if starter.engine == "gcp" else "import DIR")


def stack_settings_json(result: SettingsFile) -> dict[str, object]:
    """Return the document of ``config from-stack --json``."""
    return {"file": result.path, "written": result.written}


def print_stack_settings(result: SettingsFile) -> None:
    """Print whether the settings of a stack were written, and what is next."""
    _print(result, "setup")


def _print(result: SettingsFile, step: str) -> None:
    say(f"{result.path}: {'written' if result.written else 'already there, unchanged'}")
    named = "" if result.path.name == "sightline.toml" else f" --config {result.path}"
    remark(f"next: `sightline{named} {step}`, and `sightline{named} doctor` checks it all")
