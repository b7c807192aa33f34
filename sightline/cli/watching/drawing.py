"""Draws the live views, for terminals of 80 columns or more."""

from __future__ import annotations

from collections.abc import Mapping

from rich.text import Text

from sightline.cli.characters import printable
from sightline.cli.watching.words import duration, rate, share, sparkline, usd
from sightline.cli.watching.work_state import LimiterView, WorkView
from sightline.operations.watching.status_state import RunView, StatusView

LABEL = 14
BAR = 40
MOST_RUNS = 5
STATES = {"steady": "green", "slow_start": "cyan", "paused": "yellow", "probing": "yellow"}


def draw_work(view: WorkView, *, ascii_only: bool) -> Text:
    """Return the picture of one worker."""
    lines = [_head(view), Text()]
    for kind, limiter in view.limiters.items():
        lines += _limiter(kind, limiter, ascii_only=ascii_only)
    lines += [
        _line(
            "throughput",
            _of((rate(view.messages_per_s), "messages now"),
                (rate(view.messages_per_s_average), "on average")),
        ),
        _line(
            "calls",
            _of((f"{view.calls:,}", "made"), (share(view.share_refused), "refused"),
                (f"{view.retries:,}", "retried")),
        ),
        _line(
            "done",
            _of((f"{view.messages:,}", "messages"), (f"{view.answers:,}", "answers"),
                (f"{view.embeddings:,}", "embeddings")),
        ),
        _left(view),
        _cost(view),
        _dead(view.dead),
    ]  # fmt: skip
    if view.leases_lost:
        lines.append(_line("leases lost", Text(f"{view.leases_lost:,}", "yellow")))
    return Text("\n").join(lines)


def draw_status(view: StatusView, *, ascii_only: bool) -> Text:
    """Return the picture of all runs, unfinished ones first."""
    if not view.runs:
        return Text("no runs yet; `sightline enqueue` creates one")
    lines: list[Text] = []
    for run in view.runs[:MOST_RUNS]:
        lines += _run(run, ascii_only=ascii_only)
    if len(view.runs) > MOST_RUNS:
        lines += [Text(f"and {len(view.runs) - MOST_RUNS:,} more runs", "dim"), Text()]
    lines += [
        _line("throughput", _of((rate(view.parts_per_s), "parts now"))),
        _line("left", _of((f"{view.left:,}", "parts"), *_until(view.eta_s))),
        _line("queue", _queue(view)),
        _cost(view),
        _dead(view.dead),
    ]  # fmt: skip
    return Text("\n").join(lines)


def _head(view: WorkView) -> Text:
    head = Text.assemble(
        ("worker ", "dim"), (view.worker_id, "bold"), f"  {duration(view.seconds)}"
    )
    summary = (
        "  stopping: calls in flight are finished"
        if view.stopping
        else "  Ctrl-C finishes and ends"
    )
    return head.append(summary, "yellow" if view.stopping else "dim")


def _limiter(kind: str, limiter: LimiterView, *, ascii_only: bool) -> list[Text]:
    state = (limiter.state.replace("_", " "), STATES.get(limiter.state, "default"))
    ceiling = "no ceiling" if limiter.rate_per_s is None else rate(limiter.rate_per_s)
    room = 24 - len(f"{limiter.in_flight:,}")
    text = Text.assemble(
        (f"{ceiling:<10} ", "bold"), state, " " * max(2, 14 - len(limiter.state)),
        (f"{limiter.in_flight:,}", "bold"), f"{f' of {limiter.cap:,} in flight':<{room}}",
        (share(limiter.share_refused), "yellow" if limiter.share_refused > 0.05 else "bold"),
        " refused",
    )  # fmt: skip
    lines = [_line(kind, text)]
    if len(limiter.curve) > 1 and not ascii_only:
        lines.append(_line("", Text(sparkline(limiter.curve), "cyan")))
    if limiter.belief:
        lines.append(_line("", Text(limiter.belief, "dim")))
    return lines


def _cost(view: WorkView | StatusView) -> Text:
    return _line(
        "cost", _of((usd(view.cost_usd), "so far"), (usd(view.cost_usd_per_hour), "an hour"))
    )


def _left(view: WorkView) -> Text:
    if view.left is None:
        return _line("left", Text("the queue does not report it; being counted", "dim"))
    return _line("left", _of((f"{view.left:,}", view.left_unit), *_until(view.eta_s)))


def _until(eta_s: float | None) -> list[tuple[str, str]]:
    return [] if eta_s is None else [(duration(eta_s), "to go")]


def _dead(dead: Mapping[str, int]) -> Text:
    total = sum(dead.values())
    if not total:
        return _line("dead letters", Text("none", "dim"))
    most = sorted(dead.items(), key=lambda reason: (-reason[1], reason[0]))
    reasons = [(f"{count:,}", reason) for reason, count in most if count]
    lines = [_line("dead letters", Text(f"{total:,}", "bold red"))]
    lines += [_line("", _of((count, reason))) for count, reason in reasons]
    return Text("\n").join(lines)


def _run(run: RunView, *, ascii_only: bool) -> list[Text]:
    full = round(BAR * run.settled_share)
    blocks = "#-" if ascii_only else "━─"
    name = printable(run.run_id)
    head = Text.assemble(
        (name, "bold"), f"  {run.state}  ", (f"{100 * run.settled_share:.0f} %", "bold")
    )
    if not run.holds:
        head.append("  does not balance: `sightline status --check`", "red")
    bar = Text.assemble((blocks[0] * full, "green"), (blocks[1] * (BAR - full), "dim"))
    counts = [
        (f"{count:,}", word)
        for word, count in (
            ("written", run.written), ("dead", run.dead), ("queued", run.queued),
            ("to publish", run.to_publish), ("cancelled", run.cancelled), ("lost", run.lost),
        )
        if count
    ]  # fmt: skip
    return [head, bar.append(f" of {run.parts:,} parts"), _of(*counts), Text()]


def _queue(view: StatusView) -> Text:
    if view.ready is None:
        return Text("does not report its backlog", "dim")
    return _of((f"{view.ready:,}", "ready"), (f"{view.leased or 0:,}", "leased"))


def _line(label: str, text: Text) -> Text:
    return Text.assemble((f"{label:<{LABEL}}", "dim"), text)


def _of(*pairs: tuple[str, str]) -> Text:
    return Text("   ").join(Text.assemble((number, "bold"), f" {words}") for number, words in pairs)
