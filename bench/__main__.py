"""Runs every benchmark, each in a process of its own, and writes docs/benchmarks.md."""

from __future__ import annotations

import argparse
import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.beside import python_beside
from bench.figures import RESULTS, Figure

BENCHES = {
    "runner": "The worker's runner",
    "sockets": "The limiter, over sockets",
    "in_flight": "Two thousand calls in flight",
    "queue": "The local queue",
    "status": "The status of all runs",
    "limiter": "Limiters, compared",
    "pubsub": "Pub/Sub",
    "demo": "The demo model, end to end",
    "vision": "The demo model, by itself",
    "pictures": "The demo model, on pictures of no street",
    "search": "Vector search",
    "models": "Asking Google's models",
    "writer": "The BigQuery writer",
    "start": "Start-up",
    "gallery": "The page",
}
BESIDE = {"search": ("lancedb==0.40.0", "hnswlib==0.8.0")}
"""What a benchmark is run beside, and the project does not depend on."""
PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
HEAD = """# Benchmarks

This page lists how fast Sightline is, and on which machine each figure was measured. `make bench`
measures everything again and writes this page. Machines differ, so the ratios mean more than the
absolute figures. Indented lines show what Sightline is compared with, measured in the same run.
"""


def main() -> None:
    """Run the benchmarks that are named, or all; write the page from the latest results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help=f"which of {', '.join(BENCHES)}; all without")
    names = parser.parse_args().names or list(BENCHES)
    if strangers := set(names) - BENCHES.keys():
        parser.error(f"no benchmark {', '.join(sorted(strangers))}; there are {', '.join(BENCHES)}")
    for name in names:
        print(f"\n{BENCHES[name]}")
        python = python_beside(BESIDE.get(name, ()))
        subprocess.run([*python, "-m", f"bench.bench_{name}"], check=True)
    PAGE.write_text(page(), encoding="utf-8")
    print(f"\nwritten: {PAGE}")


def page() -> str:
    """Return the page made of the latest results; what was not measured here stays as it is."""
    before = _sections_before()
    parts = [HEAD]
    for name, title in BENCHES.items():
        path = RESULTS / f"{name}.json"
        if path.is_file():
            parts.append(_section(name, title, json.loads(path.read_text(encoding="utf-8"))))
        elif title in before:
            parts.append(before[title])
    return "\n".join(parts)


def _sections_before() -> dict[str, str]:
    """Return the page's present sections by their titles."""
    _, *sections = PAGE.read_text(encoding="utf-8").split("\n## ")
    return {section.partition("\n")[0]: f"## {section.rstrip()}\n" for section in sections}


def _section(name: str, title: str, content: dict[str, Any]) -> str:
    machine = content["machine"]
    module = (Path(__file__).parent / f"bench_{name}.py").read_text(encoding="utf-8")
    about = module.split('"""')[1].strip().replace("\n", " ").replace("  ", " ")
    when = datetime.fromtimestamp((RESULTS / f"{name}.json").stat().st_mtime, tz=UTC)
    on = (
        f"{machine['processor']}, {machine['cores']} cores, {machine['system']},"
        f" Python {machine['python']}"
    )
    lines = [
        f"## {title}\n",
        about + "\n",
        f"`python -m bench {name}`, {when:%Y-%m-%d}, {on}\n",
        "| figure | measured | goal | note |",
        "|---|---:|---:|---|",
    ]
    for raw in content["figures"]:
        figure = Figure(**raw)
        indent = "&nbsp;&nbsp;" if figure.name.startswith(" ") else ""
        lines.append(
            f"| {indent}{figure.name.strip()} | {figure.measured} | {figure.aim} | {figure.note} |"
        )
    return "\n".join([*lines, "", content["more"]] if "more" in content else lines) + "\n"


if __name__ == "__main__":
    main()
