"""What ``sightline pilot`` shows, and the command that enqueues the rest."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import asdict

from sightline.cli.filter_options import typed
from sightline.cli.output import print_table, say
from sightline.cli.views.money import usd
from sightline.model import asset_name
from sightline.operations.pilot import Pilot, SampleAnswer
from sightline.tasks import answer_text

SHOWN = 5
"""The number of answers that are printed."""


def pilot_json(result: Pilot) -> dict[str, object]:
    """Return the measurements for the document of ``--json``."""
    return {
        "strata": [
            {
                **asdict(trial),
                "asset_type": asset_name(trial.asset_type),
                "usd_an_image": trial.usd_an_image,
            }
            for trial in result.trials
        ],
        "seconds": result.seconds,
        "answers": [_line(answer) for answer in result.answers],
        "dead_letters": dict(result.dead_letters),
        "cost_usd": result.usd_micros / 1e6,
        "rest_messages": result.rest_messages,
        "rest_usd": result.rest_usd_micros / 1e6,
        "rest_hours": result.rest_hours,
    }


def print_pilot(result: Pilot) -> None:
    """Print the sample by asset type, a few answers, and what the rest would cost."""
    if not result.trials:
        say("there is nothing to do: every part that matches is done, dead or in an open run")
        return
    print_table(
        "",
        ("asset type", "sampled", "written", "dead", "US dollars an image", "rest"),
        [
            (
                asset_name(trial.asset_type),
                trial.messages,
                trial.written,
                trial.dead,
                trial.usd_an_image,
                trial.rest,
            )
            for trial in result.trials
        ],
        digits=6,
    )
    for answer in result.answers[:SHOWN]:
        say(f"  {_line(answer)}")
    for reason, count in sorted(result.dead_letters.items()):
        say(f"dead letters, {reason}: {count:,}")
    say(
        f"\nthe sample cost {usd(result.usd_micros)} in {result.seconds:,.1f} s; the rest,"
        f" {result.rest_messages:,} messages, would cost about {usd(result.rest_usd_micros)} and"
        f" take about {result.rest_hours:,.1f} hours at this worker's speed"
    )


def question(result: Pilot) -> str:
    """Return the question before the rest is enqueued."""
    rest = f"{result.rest_messages:,} messages for about {usd(result.rest_usd_micros)}"
    return f"enqueue the rest, {rest}?"


def enqueue_command(
    result: Pilot, options: Sequence[tuple[str, object]], max_cost: float | None
) -> str:
    """Return the command that enqueues the rest, with a budget of a fifth more."""
    cost = max_cost if max_cost is not None else 1.2 * result.rest_usd_micros / 1e6
    budget = ("--max-cost", f"{cost:.2g}" if cost < 10 else f"{cost:.0f}") if cost else ()
    return shlex.join(["sightline", "enqueue", *typed(options), *budget])


def _line(answer: SampleAnswer) -> str:
    name = answer.gcs_uri.rsplit("/", 1)[-1]
    return f"{name}  {answer.task}: {answer_text(answer.answer) or 'nothing is known'}"
