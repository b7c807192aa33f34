"""Builds the test servers of ``tools/`` that are missing, and prints where each one is.

    python scripts/build_tools.py            all of them
    python scripts/build_tools.py pstest     one of them

They lie in ``.cache/bin``, in a folder named after what they are built from, so that a second
call takes no time and an older checkout finds its own. Needs Go; ends with 3 where Go is absent.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
MODULE = CHECKOUT / "tools"
TOOLS = {
    "pstest": "./cmd/pstest",
    "fake-gcs-server": "github.com/fsouza/fake-gcs-server",
    "bigquery-emulator": "github.com/goccy/bigquery-emulator/cmd/bigquery-emulator",
}
SLOW = {"bigquery-emulator": "a few minutes the first time"}
NO_GO = 3


def main(names: list[str]) -> int:
    """Build the named tools, or all; return the exit code."""
    if unknown := set(names) - TOOLS.keys():
        print(f"no tool {', '.join(sorted(unknown))}; there are {', '.join(TOOLS)}")
        return 2
    for name in names or TOOLS:
        path = place(name)
        if not path.is_file():
            if shutil.which("go") is None:
                print(f"{name}: Go is absent; install it (https://go.dev/dl)", file=sys.stderr)
                return NO_GO
            build(name, path)
        print(path)
    return 0


def place(name: str) -> Path:
    """Return where a tool lies once it is built from the present sources."""
    digest = hashlib.sha256((MODULE / "go.sum").read_bytes())
    if TOOLS[name].startswith("."):
        for source in sorted((MODULE / TOOLS[name]).glob("*.go")):
            digest.update(source.read_bytes())
    return CHECKOUT / ".cache" / "bin" / digest.hexdigest()[:16] / name


def build(name: str, path: Path) -> None:
    """Build a tool beside its place and move it there; two at once take turns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if path.is_file():
            return
        print(f"building {name} ({SLOW.get(name, 'some seconds')})", file=sys.stderr)
        with tempfile.TemporaryDirectory(dir=path.parent) as beside:
            built = Path(beside) / name
            subprocess.run(
                ["go", "build", "-buildvcs=false", "-o", str(built), TOOLS[name]],
                cwd=MODULE,
                env={**os.environ, "GOFLAGS": "-mod=readonly", "GOWORK": "off"},
                check=True,
            )
            built.rename(path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
