"""A measured figure, the goal beside it, and how both are printed and kept."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement; ``goal`` is ``None`` where the figure is only there to compare with."""

    name: str
    value: float
    unit: str
    goal: float | None = None
    better: Literal["higher", "lower"] = "higher"
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; ``None`` without a goal."""
        if self.goal is None:
            return None
        return self.value >= self.goal if self.better == "higher" else self.value <= self.goal

    @property
    def measured(self) -> str:
        """The value with its unit."""
        return f"{_short(self.value)} {self.unit}"

    @property
    def aim(self) -> str:
        """The goal and whether it is met, or nothing."""
        if self.goal is None:
            return ""
        sign = "≥" if self.better == "higher" else "≤"
        return f"{sign} {_short(self.goal)}: {'met' if self.met else '**missed**'}"

    def line(self) -> str:
        """Return the figure, its goal and whether it is met, on one line."""
        text = f"{self.name:<52} {_short(self.value):>10} {self.unit:<12}"
        if self.goal is not None:
            sign = ">=" if self.better == "higher" else "<="
            text += f" goal {sign} {_short(self.goal)}: {'met' if self.met else 'MISSED'}"
        return f"{text} {self.note}".rstrip()


def report(name: str, figures: Sequence[Figure], *, results: Path = RESULTS) -> None:
    """Print the figures, one a line, and write them to ``bench/results/<name>.json``."""
    for figure in figures:
        print(figure.line())
    results.mkdir(parents=True, exist_ok=True)
    content = {"machine": machine(), "figures": [asdict(figure) for figure in figures]}
    (results / f"{name}.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def machine() -> dict[str, str | int]:
    """Return what was measured on: processor, cores, system, Python."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
        names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
        model = names[0] if names else model
    return {
        "processor": model,
        "cores": os.cpu_count() or 1,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
