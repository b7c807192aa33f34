"""What ``sightline estimate`` shows."""

from __future__ import annotations

from producer.estimate import Estimate, Line
from sightline.cli.output import print_table, remark, say
from sightline.cli.views.enqueue import remark_on_selection
from sightline.cli.views.money import usd
from sightline.model import Preview
from sightline.operations.enqueue import PreviewedRun
from sightline.prices import BYTES_A_TOKEN, TOKENS_AN_IMAGE
from sightline.settings import Settings


def estimate_json(result: Estimate) -> dict[str, object]:
    """Return the document of ``--json``."""
    return {
        "observations": result.preview.observations,
        "parts": result.preview.to_publish,
        "messages": result.preview.messages,
        "cost_usd": result.cost_usd_micros / 1e6,
        "hours": result.hours,
        "shared_out": result.shared_out,
        "lines": [
            {
                "what": line.what,
                "model": line.model,
                "calls": line.calls,
                "images_a_call": line.images_a_call,
                "input_tokens_a_call": line.usage_a_call.input_tokens,
                "output_tokens_a_call": line.usage_a_call.output_tokens,
                "output_tokens_from_calls": line.history_calls,
                "usd_a_call": line.usage_a_call.cost_usd_micros / 1e6,
                "cost_usd": line.cost_usd_micros / 1e6,
                "price_since": line.price_since.isoformat() if line.price_since else None,
                "price_is_old": line.price_is_old,
                "rate_per_s": line.rate_per_s,
                "hours": line.hours,
            }
            for line in result.lines
        ],
    }


def print_estimate(result: Estimate, previewed: PreviewedRun, settings: Settings) -> None:
    """Print the cost by task, its assumptions, and which observations match no task."""
    preview = result.preview
    if not preview.to_publish:
        _print_nothing(preview)
        remark_on_selection(previewed, settings)
        return
    remark_on_selection(previewed, settings)
    say(
        f"{preview.observations:,} images match; a run would publish {preview.messages:,} messages"
        f" with {preview.to_publish:,} parts"
    )
    print_table(
        "",
        ("for", "model", "calls", "tokens in", "tokens out", "US dollars a call", "US dollars"),
        [
            (
                line.what,
                line.model,
                line.calls,
                line.usage_a_call.input_tokens,
                line.usage_a_call.output_tokens,
                line.usage_a_call.cost_usd_micros / 1e6,
                line.cost_usd_micros / 1e6,
            )
            for line in result.lines
            if line.calls
        ],
        digits=6,
    )
    say(f"\nabout {usd(result.cost_usd_micros)}{_hours(result.hours)}")
    for assumption in _assumptions(result):
        say(f"  {assumption}")
    remark("next: `sightline pilot` measures it on a sample; `sightline enqueue --max-cost USD`")


def _print_nothing(left: Preview) -> None:
    """Print that a run would do nothing, and why."""
    say(
        f"there is nothing to do: of {left.matched:,} parts {left.done:,} are done,"
        f" {left.held:,} are in an open run, {left.dead:,} are dead letters"
    )
    if left.matched:
        remark("next: `sightline status`, which shows runs and dead letters")


def _hours(hours: float | None) -> str:
    if hours is None:
        return "; how long is not known (--requests-per-minute, or classify_limit.rate_per_s)"
    return f" and {hours:,.1f} hours at these rates"


def _assumptions(result: Estimate) -> list[str]:
    tokens = ", ".join(f"{name} {count}" for name, count in TOKENS_AN_IMAGE.items())
    assumptions = [
        f"an image has {tokens} tokens by its task's media_resolution",
        f"a prompt and its schema have one token per {BYTES_A_TOKEN} bytes",
        "every call succeeds the first time",
    ]
    if result.shared_out:
        assumptions.append("the limited parts have the same proportions as without --limit")
    for line in result.lines:
        assumptions += _assumptions_of(line) if line.calls else []
    return list(dict.fromkeys(assumptions))


def _assumptions_of(line: Line) -> list[str]:
    assumptions = []
    if line.what != "embedding":
        assumptions.append(
            f"{line.what}: answers of {line.usage_a_call.output_tokens:,} tokens, thought included,"
            + (
                f" the mean of {line.history_calls:,} answers"
                if line.history_calls
                else " assumed, since the ledgers contain none"
            )
        )
    if line.images_a_call > 1:
        assumptions.append(f"{line.what}: {line.images_a_call:.1f} images a call")
    if line.price_since is None:
        assumptions.append(f"{line.model} costs nothing: no price file names it")
    else:
        old = "; IT IS OLD, check it" if line.price_is_old else ""
        assumptions.append(f"{line.model}: the price from {line.price_since} on{old}")
    if line.rate_per_s:
        assumptions.append(f"{line.what}: {line.rate_per_s * 60:,.0f} calls a minute")
    return assumptions
