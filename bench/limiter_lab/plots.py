"""Draws a run as SVG: the quota, the rate sent, and the calls that were refused, over time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from io import StringIO
from math import ceil

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator

from bench.limiter_lab.world import Call

GRID, MUTED, QUOTA, SENT, REFUSED = "#d8dee4", "#57606a", "#8c959f", "#0969da", "#cf222e"


def draw_run(
    calls: Sequence[Call],
    rate_at: Callable[[float], float | None],
    duration_s: float,
    *,
    title: str,
    caption: str,
) -> str:
    """Return the picture of one run; ``rate_at`` is the quota in calls a second at a time in s."""
    seconds = ceil(duration_s)
    times = np.arange(seconds)
    sent_at = np.minimum([int(call.sent_s) for call in calls], seconds - 1)
    sent_per_s = np.bincount(sent_at, minlength=seconds)
    refused = np.bincount(sent_at, [call.refused for call in calls], minlength=seconds)
    quota = [rate_at(second) or 0.0 for second in range(seconds)]
    # Texts stay texts, and identifiers come from what is drawn: the same run gives the same file.
    style = rc_context({"svg.fonttype": "none", "svg.hashsalt": "sightline", "font.size": 9})
    with style, StringIO() as file:
        figure = Figure(figsize=(7.6, 3), layout="constrained")
        axes = figure.subplots()
        figure.suptitle(title, x=0.01, ha="left", weight="bold")
        axes.set_title(caption, loc="left", color=MUTED, fontsize=9)
        axes.step(times, quota, where="post", color=QUOTA, lw=2, ls="--", label="quota")
        axes.plot(times, sent_per_s, color=SENT, lw=1, label="sent a second")
        axes.fill_between(times, refused, step="post", color=REFUSED, lw=0, label="answered 429")
        axes.set(xlim=(0, seconds), ylim=(0, 1.6 * max(quota)))
        axes.xaxis.set_major_locator(MultipleLocator(60 * ceil(seconds / 720)))
        axes.xaxis.set_major_formatter("{x:.0f} s")
        axes.grid(axis="y", color=GRID)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=3, frameon=False)
        figure.savefig(file, format="svg", metadata={"Creator": None, "Date": None})
        return file.getvalue().replace(" \n", " ")  # a path on a line, not each of its points
