"""What commands print, kept: no change of the code behind them may change a byte unnoticed.

``python -m tests.cli.pinned`` writes the files anew, where a change is meant; read the difference.
What depends on the moment or the machine is masked: ids, times, folders, and digits after the
second of a fraction.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from sightline.cli import main as sightline

FOLDER = Path(__file__).parent
SCENES = 24

ENVIRONMENT = {
    "SIGHTLINE_WORKER__DRAIN_IDLE_S": "0.2",
    "SIGHTLINE_WORKER__FLUSH_S": "0.2",
    "COLUMNS": "100",
    "TERM": "dumb",
}
ROAD_SIGN = "road_sign"
BOX = "4.0,51.0,6.5,53.0"

SESSIONS: Mapping[str, Sequence[Sequence[str]]] = {
    "run": (
        ("status",),
        ("import", "scenes"),
        ("estimate",),
        ("estimate", "--task", "road_signs", "--limit", "5"),
        ("enqueue", "--dry-run"),
        ("pilot", "--asset-type", ROAD_SIGN, "--sample", "3"),
        ("enqueue", "--max-cost", "5", "--max-images", "1000"),
        ("enqueue",),
        ("enqueue", "--resume", "all"),
        ("enqueue", "--recheck"),
        ("work", "--drain"),
        ("status", "--check"),
        ("budget", "RUN"),
        ("budget", "RUN", "--max-cost", "7"),
        ("dead-letters", "list"),
        ("dead-letters", "replay", "--yes"),
        ("dead-letters", "purge", "--yes"),
        ("cancel", "RUN"),
        ("evaluate", "scenes/ground_truth.jsonl"),
        ("compact",),
        ("sql", "select task, count(*) n from classifications_current group by task order by task"),
        ("tasks", "list"),
        ("tasks", "show", "road_signs"),
        ("tasks", "check", "tasks.toml"),
        ("models", "list"),
        ("index", "status"),
        ("index", "create"),
        ("config", "from-stack"),
        ("doctor",),
    ),
    "look": (
        ("search", "a stop sign with graffiti", "--top", "3"),
        ("search", "a leaning wooden pole", "--box", BOX, "--top", "2", "--explain"),
        ("search", "--image", "IMAGE", "--top", "2"),
        ("search", "--answer", "road_signs.lighting=day", "--top", "3"),
        ("similar", "IMAGE", "--top", "3"),
        ("similar", "nobody-knows-this"),
        ("stats",),
        ("stats", "road_signs"),
        ("stats", "road_signs", "--by", "condition", "--across", "asset_type"),
        ("stats", "road_signs", "--by", "cell", "--cell", "0.5"),
        ("stats", "road_signs", "--by", "nothing"),
        ("consolidate", "road_signs"),
        ("consolidate", "road_signs", "--field", "condition", "--out", "signs.jsonl"),
        ("consolidate", "road_signs", "--field", "nothing"),
        ("outliers", "road_signs", "--neighbours", "3", "--at-least", "0.1", "--top", "4"),
        ("outliers", "road_signs", "--field", "nothing"),
        ("duplicates", "--at-least", "0.5", "--top", "2"),
        ("duplicates", "--at-least", "0.5", "--within-asset", "--top", "2"),
        ("duplicates", "--multi-view", "--metres", "50", "--top", "2"),
        ("changes", "road_signs", "--at", "2026-03-01"),
        ("changes", "road_signs"),
        ("export", "signs.csv", "--task", "road_signs"),
        ("export", "signs.csv", "--task", "road_signs"),
        ("export", "tuning", "--task", "road_signs", "--format", "tuning"),
        ("export", "signs.txt", "--task", "road_signs"),
        ("--help",),
    ),
}
"""Commands in their order, each typed as it is and with ``--json``.

RUN is the last run, IMAGE a scene.
"""

RUN = re.compile(r"\b\d{8}-\d{6}-[0-9a-f]{6}\b")
MASKS = (
    (re.compile(r"\b20\d\d-\d\d-\d\d[T ]\d\d:\d\d:\d\d\.\d+(?:\+00:00)?"), "TIME"),
    (re.compile(r'("(?:seconds|latency_ms|rest_hours|free_gb)": )[\d.e-]+'), r"\1NUMBER"),
    (re.compile(r'("worker_id": )"[^"]+"'), r'\1"WORKER"'),
    (re.compile(r"in [\d.,]+ s \([\d.,]+/s\)"), "in SECONDS (SPEED)"),
    (re.compile(r"[\d.,]+ (s|hours?|minutes?|GB free|MB)\b"), r"NUMBER \1"),
    (re.compile(r"\b[0-9a-f]{32,64}\b"), "HASH"),
    (re.compile(r'("bytes": )\d+|[\d,]+( bytes)'), r"\1NUMBER\2"),
    (re.compile(r"(\d\.\d\d)\d+(?:e-?\d+)?"), r"\1"),
    (re.compile(r"\b3\.\d+\.\d+\b"), "VERSION"),
    (re.compile(r"python: .*|sqlite: .*"), "VERSION"),
)


def masked(text: str, folder: Path) -> str:
    """Return a text without what depends on the moment and the machine."""
    text = RUN.sub("RUN", text.replace(str(folder), "FOLDER"))
    for pattern, mask in MASKS:
        text = pattern.sub(mask, text)
    return text


@dataclass
class Session:
    """A folder with rendered scenes in which commands are typed one after another."""

    folder: Path
    run_id: str = ""

    def begin(self) -> None:
        """Render the scenes."""
        self._type("render", "streets", "scenes", "--count", str(SCENES), "--seed", "77")

    def type(self, arguments: Sequence[str]) -> str:
        """Type a command; return it, what it printed, and how it ended."""
        first = min((self.folder / "scenes").rglob("*.jpg")).relative_to(self.folder)
        named = {"IMAGE": str(first), "RUN": self.run_id}
        typed = [named.get(word, word) for word in arguments]
        code, out, err = self._type(*typed)
        ids = RUN.findall(out)
        if arguments[0] == "enqueue" and ids:
            self.run_id = ids[-1]
        # Lines of progress depend on the machine's speed.
        remarks = "".join(
            f"! {line}\n"
            for line in err.splitlines()
            if not re.fullmatch(r"[\w -]+: [\d,]+(?: of [\d,]+)?", line)
        )
        line = " ".join(f'"{word}"' if " " in word else word for word in arguments)
        end = f"[exit {code}]\n" if code else ""
        return masked(f"$ sightline {line}\n{out}{remarks}{end}", self.folder) + "\n"

    def _type(self, *arguments: str) -> tuple[int, str, str]:
        out, err = io.StringIO(), io.StringIO()
        with (
            mock.patch.dict(os.environ, ENVIRONMENT),
            contextlib.chdir(self.folder),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            code = sightline(list(arguments))
        return code, out.getvalue(), err.getvalue()


def printed(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the name of each session, and all that was printed in it."""
    session = Session(folder)
    session.begin()
    for name, commands in SESSIONS.items():
        listed = [
            session.type(command if not as_json else (*command, "--json"))
            for command in commands
            for as_json in (False, True)
            if not (as_json and "--help" in command)
        ]
        yield name, "".join(listed)


def main() -> None:
    """Write the files anew."""
    with tempfile.TemporaryDirectory() as room:
        for name, text in printed(Path(room)):
            (FOLDER / f"{name}.txt").write_text(text, encoding="utf-8")
