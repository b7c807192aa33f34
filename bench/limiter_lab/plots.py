"""Draws a run as SVG: the quota, the rate sent, and the calls that were refused, over time."""

from __future__ import annotations

from collections.abc import Sequence

from bench.limiter_lab.scenarios import Scenario
from bench.limiter_lab.world import Call

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 760, 300, 48, 44, 34
INK, GRID, QUOTA, SENT, REFUSED = "#24292f", "#d8dee4", "#8c959f", "#0969da", "#cf222e"


def draw(scenario: Scenario, calls: Sequence[Call], *, caption: str) -> str:
    """Return the picture of one run."""
    seconds = int(scenario.seconds)
    sent = [0] * seconds
    refused = [0] * seconds
    for one in calls:
        sent[min(int(one.sent_s), seconds - 1)] += 1
        refused[min(int(one.sent_s), seconds - 1)] += one.refused
    quota = [scenario.schedule.rate_at(second) or 0.0 for second in range(seconds)]
    top = 1.6 * max(quota)

    def x(second: float) -> float:
        return LEFT + (WIDTH - LEFT - 16) * second / seconds

    def y(rate: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * min(rate, top) / top

    def line(values: Sequence[float]) -> str:
        return " ".join(f"{x(at):.1f},{y(value):.1f}" for at, value in enumerate(values))

    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'font-family="system-ui, sans-serif" font-size="12" fill="{INK}">'
    )
    parts = [
        head,
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="20" font-size="15" font-weight="600">{scenario.title}</text>',
        f'<text x="{LEFT}" y="36" fill="#57606a">{caption}</text>',
    ]
    for share in (0, 0.25, 0.5, 0.75, 1):
        at = y(top * share)
        parts.append(f'<path d="M{LEFT} {at:.1f}H{WIDTH - 16}" stroke="{GRID}"/>')
        parts.append(
            f'<text x="{LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{top * share:.0f}</text>'
        )
    parts += [
        f'<text x="{x(second):.1f}" y="{HEIGHT - 14}" text-anchor="middle">{second} s</text>'
        for second in range(0, seconds + 1, 60)
    ]
    for second, count in enumerate(refused):
        if count:
            parts.append(
                f'<path d="M{x(second):.1f} {y(0):.1f}V{y(count):.1f}" '
                f'stroke="{REFUSED}" stroke-width="1.6"/>'
            )
    parts.append(
        f'<polyline points="{line(quota)}" fill="none" stroke="{QUOTA}" '
        'stroke-width="2.5" stroke-dasharray="6 4"/>'
    )
    parts.append(
        f'<polyline points="{line(sent)}" fill="none" stroke="{SENT}" stroke-width="1.4"/>'
    )
    for place, (name, colour) in enumerate(
        [("quota", QUOTA), ("sent a second", SENT), ("answered 429", REFUSED)]
    ):
        at = WIDTH - 330 + 110 * place
        parts.append(f'<rect x="{at}" y="12" width="14" height="4" fill="{colour}"/>')
        parts.append(f'<text x="{at + 20}" y="18">{name}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"
