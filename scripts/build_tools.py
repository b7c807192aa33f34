"""Builds the tools of ``tools/`` that are missing, and prints where each one is.

    python scripts/build_tools.py            all of them
    python scripts/build_tools.py pstest     one of them

They are the test servers, and Pulumi's engine with the provider for Google Cloud. All checkouts of
one person share them: they lie in ``~/.cache/sightline/tools``, or in the folder that the variable
``TOOLS_CACHE`` names, each in a folder named after what it is built from (its go.sum and its own
sources). Needs Go; ends with 3 where Go is absent.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
MODULES = CHECKOUT / "tools"
PULUMI_VERSION = "3.250.0"
PULUMI_GCP_VERSION = "10.2.0"
"""The version of the Python package whose calls the provider answers; `uv.lock` has the same."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A Go program: the folder of its module, the package, and what the linker writes into it."""

    module: str
    package: str
    linked: str = ""
    takes: str = "some seconds"


TOOLS = {
    "pstest": Tool("", "./cmd/pstest"),
    "fake-gcs-server": Tool("", "github.com/fsouza/fake-gcs-server"),
    "bigquery-emulator": Tool(
        "",
        "./cmd/bigquery-emulator",
        takes="a few minutes the first time",
    ),
    "pulumi": Tool(
        "pulumi",
        "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
        f"github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v{PULUMI_VERSION}",
        takes="a few minutes the first time",
    ),
    "pulumi-resource-gcp": Tool(
        "pulumi-resource-gcp",
        ".",
        f"main.version={PULUMI_GCP_VERSION}",
        takes="a few minutes the first time",
    ),
}
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
    tool = TOOLS[name]
    module = MODULES / tool.module
    digest = hashlib.sha256((module / "go.sum").read_bytes())
    if tool.package.startswith("."):
        folder = module / tool.package
        for source in sorted([*folder.glob("*.go"), *folder.glob("*.json")]):
            digest.update(source.read_bytes())
    digest.update(tool.linked.encode())
    return _cache() / digest.hexdigest()[:16] / name


def _cache() -> Path:
    """Return the folder of all tools, whatever they are built from."""
    if chosen := os.environ.get("TOOLS_CACHE"):
        return Path(chosen).absolute()
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(caches, "sightline", "tools")


def build(name: str, path: Path) -> None:
    """Build a tool beside its place and move it there; two at once take turns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if path.is_file():
            return
        tool = TOOLS[name]
        print(f"building {name} ({tool.takes})", file=sys.stderr)
        linked = f"-X {tool.linked}" if tool.linked else ""
        with tempfile.TemporaryDirectory(dir=path.parent) as beside:
            built = Path(beside) / name
            flags = ["-buildvcs=false", f"-ldflags=-s -w {linked}".strip(), "-o", str(built)]
            subprocess.run(
                ["go", "build", *flags, tool.package],
                cwd=MODULES / tool.module,
                env={**os.environ, "GOFLAGS": "-mod=readonly", "GOWORK": "off"},
                check=True,
            )
            built.rename(path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
