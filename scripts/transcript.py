"""Runs the commands that the documentation shows, and writes what they print into the pages.

A transcript is a ``console`` block below a comment that says what is run:

    <!-- transcript: sightline demo -->

Its first line, ``$ ...``, is what a reader types and stays as it is. ``sightline`` runs as in an
environment that is active, ``.venv/bin/sightline`` as in a shell without one. All transcripts run
in one empty folder, in the order of ``pages()``, so a later one may use what an earlier one made.

    .venv/bin/python scripts/transcript.py
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
TRANSCRIPT = re.compile(
    r"<!-- transcript: (?P<command>(?:\.venv/bin/)?sightline [^\n]+?) -->\n"
    r"```console\n(?P<typed>\$ [^\n]*\n)(?P<output>.*?)```\n",
    re.DOTALL,
)
PROGRESS = re.compile(r"[\w ]+: [\d,]+( of [\d,]+)?")
"""The lines that stand in for a progress bar where there is no terminal."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """A command, and what a page says that it prints."""

    page: Path
    command: str
    output: str


def pages() -> list[Path]:
    """Return the README, then the pages under ``docs/`` by name."""
    return [CHECKOUT / "README.md", *sorted((CHECKOUT / "docs").glob("*.md"))]


def transcripts(page: Path) -> Iterator[Transcript]:
    """Yield the transcripts of a page, in its order."""
    for match in TRANSCRIPT.finditer(page.read_text(encoding="utf-8")):
        yield Transcript(page, match["command"], match["output"])


def run(command: str, directory: Path) -> str:
    """Run one command in a folder; return its output, both streams as a terminal shows them.

    Raises:
        RuntimeError: the command failed; with all that it printed.
    """
    arguments = shlex.split(command)
    own = Path(sys.executable).parent
    path = os.environ["PATH"].split(os.pathsep)
    if arguments[0] == "sightline":
        path = [str(own), *path]
    else:
        path = [folder for folder in path if Path(folder) != own]
        environment_here = directory / ".venv"
        if not environment_here.exists():
            environment_here.symlink_to(own.parent)
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("SIGHTLINE_")},
        "PATH": os.pathsep.join(path),
        "PYTHONUNBUFFERED": "1",
        "PYTHONPATH": str(CHECKOUT),
    }
    done = subprocess.run(
        arguments,
        cwd=directory,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{command} ended with code {done.returncode}:\n{done.stdout}")
    return tidy(done.stdout, directory)


def tidy(output: str, directory: Path) -> str:
    """Return an output without progress lines, and with paths relative to the folder."""
    text = output.replace(f"{directory}/", "")
    lines = [line.rstrip() for line in text.splitlines() if not PROGRESS.fullmatch(line)]
    return "\n".join(lines).strip("\n") + "\n"


def rewritten(page: Path, outputs: Mapping[str, str]) -> str:
    """Return the page with the outputs, by command, in its transcripts."""

    def block(match: re.Match[str]) -> str:
        command = match["command"]
        return (
            f"<!-- transcript: {command} -->\n```console\n{match['typed']}{outputs[command]}```\n"
        )

    return TRANSCRIPT.sub(block, page.read_text(encoding="utf-8"))


def main() -> None:
    """Run all transcripts, then write the pages."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name).resolve()
        outputs: dict[str, str] = {}
        for page in pages():
            for transcript in transcripts(page):
                print(f"{page.relative_to(CHECKOUT)}: {transcript.command}", flush=True)
                outputs.setdefault(transcript.command, "")
                outputs[transcript.command] = run(transcript.command, directory)
    for page in pages():
        page.write_text(rewritten(page, outputs), encoding="utf-8")


if __name__ == "__main__":
    main()
