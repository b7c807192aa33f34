"""The model simulator in a process of its own, which answers at once or after a while."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def run_simulator(*, median_s: float = 0.0, refusal_s: float = 0.0) -> Iterator[str]:
    """Run the simulator, and yield its URL."""
    command = [
        sys.executable, "-m", "sightline", "simulate", "vertex", "--port", "0", "--answers",
        "instant", "--median-s", str(median_s), "--refusal-s", str(refusal_s),
    ]  # fmt: skip
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()
