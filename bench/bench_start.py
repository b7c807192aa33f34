"""How long the command line takes to answer, as whole processes, beside Python alone."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Sequence

from bench.figures import Figure, report

ROUNDS = 11


def _seconds(command: Sequence[str]) -> float:
    """Return the median seconds of a command's whole process, after one run that is not counted."""
    taken = []
    for _ in range(ROUNDS + 1):
        started_s = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        taken.append(time.perf_counter() - started_s)
    return statistics.median(taken[1:])


def run() -> list[Figure]:
    """Measure; about ten seconds."""
    python = _seconds([sys.executable, "-c", "pass"])
    shown = _seconds([sys.executable, "-m", "sightline", "--help"])
    return [
        Figure("sightline --help", shown, "s", 0.3, "lower", f"Python alone {python:.3f} s"),
    ]


if __name__ == "__main__":
    report("start", run())
