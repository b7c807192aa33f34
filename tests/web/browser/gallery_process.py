"""A served gallery of a project of rendered scenes, as a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from sightline.vision.scenes import render_collection

PROGRAM = (sys.executable, "-m", "sightline")
SCENES = 48
GONE = 2
"""Images whose files are removed before the worker reads them."""


def rendered_project(folder: Path, *, scenes: int = SCENES, gone: int = GONE) -> Path:
    """Render scenes, remove the files of some, process all, and return the project's home."""
    home = rendered_images(folder, scenes=scenes, gone=gone)
    run(home, "enqueue")
    run(home, "work", "--drain")
    return home


def rendered_images(folder: Path, *, scenes: int, gone: int = 0) -> Path:
    """Render and import scenes, remove the files of some, and return the project's home."""
    render_collection(folder / "scenes", count=scenes, seed=77)
    home = folder / ".sightline"
    run(home, "import", str(folder / "scenes" / "observations.csv"))
    for path in sorted((folder / "scenes").rglob("*.jpg"))[:gone]:
        path.unlink()
    return home


def run(home: Path, *arguments: str) -> None:
    """Run a command, in a process of its own: Playwright's event loop runs in this one."""
    subprocess.run(
        [*PROGRAM, "--home", str(home), *arguments, "--json"],
        env=_environment(),
        check=True,
        capture_output=True,
    )


@contextmanager
def working(home: Path, settings: Mapping[str, str]) -> Iterator[None]:
    """Let a worker work meanwhile."""
    command = [*PROGRAM, "--home", str(home), "work", "--json"]
    with subprocess.Popen(
        command,
        env={**_environment(), **settings},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            yield
        finally:
            process.send_signal(signal.SIGTERM)


def _environment() -> dict[str, str]:
    return {name: text for name, text in os.environ.items() if not name.startswith("SIGHTLINE_")}


@contextmanager
def served(home: Path, *options: str, settings: Mapping[str, str] | None = None) -> Iterator[str]:
    """Serve the gallery of a project, and return the address that signs in once."""
    with subprocess.Popen(
        [*PROGRAM, "--home", str(home), "gallery", "--json", "--port", "0", *options],
        env={**_environment(), **(settings or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield _url(process)
        finally:
            process.send_signal(signal.SIGTERM)


def _url(process: subprocess.Popen[str]) -> str:
    """Return the address in the first JSON document of a process that goes on."""
    assert process.stdout is not None
    assert process.stderr is not None
    text = ""
    for line in process.stdout:
        text += line
        try:
            return str(json.loads(text)["url"])
        except ValueError:
            continue
    raise AssertionError(f"the gallery ended: {text}{process.stderr.read()}")
