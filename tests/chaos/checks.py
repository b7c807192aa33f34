"""What must be true of a round, whatever was done to it. Each check returns what is wrong. Pure."""

from __future__ import annotations

import re
import signal
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator

from sightline.errors import Reason
from tests.chaos.evidence import Evidence, Exit, Ledgers, Row
from tests.chaos.models import ANSWER, EMBEDDING, ModelCall
from tests.chaos.payments import (
    COARSE_S,
    LATE_S,
    by_part,
    deaths_of,
    lease_losses_of,
    may_be_published_twice,
    most_published_twice,
    repeats,
    stood_still_s,
)
from tests.shared.given_up import GIVEN_UP

MAX_ATTEMPTS = 10

MAY_STAY = re.compile(
    r"queue\.db"
    r"|source/[^/]+\.parquet"
    r"|warehouse/[^.]+(\.m[0-9]+)?\.parquet"
    r"|warehouse/[^/]+/date=[^/]+/[^/]+\.compacted\.parquet"
    r"|warehouse/embeddings_[^/]+/.+\.parquet"
    r"|warehouse/[^/]+/manifest\.json"
    r"|source/\.import\.lock"
    r"|warehouse/queue\.json"
    r"|warehouse/\.(enqueue|tasks)\.lock"
    r"|warehouse/[^/]+/\.compact\.lock"
    r"|warehouse/runs/[^/]+\.lock"
)
"""The files that may lie in a home after a drain: ledgers, the queue, and lock files, empty."""

LITTER = re.compile(r".+\.tmp|warehouse/\.spill-[^/]+(/.*)?")
"""What a process leaves that is killed while it writes a file, or while a query spills."""

Check = Callable[[Evidence], Iterator[str]]


def problems(evidence: Evidence) -> list[str]:
    """Return everything that is wrong with a round."""
    return [
        f"{check.__name__.lstrip('_')}: {problem}"
        for check in _CHECKS
        for problem in check(evidence)
    ]


def _the_account_balances(evidence: Evidence) -> Iterator[str]:
    for ledgers in _all_ledgers(evidence):
        balance = ledgers.balance
        if not (balance.holds and balance.settled and balance.awaiting_ack == 0):
            yield f"{balance}"
        if balance.parts != 2 * evidence.plan.messages:
            yield f"{balance.parts} parts of {evidence.plan.messages} messages"
        if balance.written + balance.dead != balance.parts:
            yield f"{balance.written} written and {balance.dead} dead of {balance.parts}"


def _views_show_one_row_a_key(evidence: Evidence) -> Iterator[str]:
    for ledgers in _all_ledgers(evidence):
        for view, (rows, keys) in ledgers.views.items():
            if rows != keys:
                yield f"{view} has {rows} rows and {keys} keys"
        if sum(rows for rows, _ in ledgers.views.values()) != ledgers.balance.written:
            yield f"{ledgers.views}, but {ledgers.balance.written} parts are written"


def _each_part_is_paid_once_or_for_a_reason(evidence: Evidence) -> Iterator[str]:
    repetitions = list(repeats(evidence))
    for repetition in repetitions:
        if not repetition.reason:
            yield f"{repetition.first.about} was paid twice for no reason: {repetition}"
    deaths = len(deaths_of(evidence))
    lost = sum(repetition.reason in {"in flight", "not written yet"} for repetition in repetitions)
    if lost > deaths * 2 * evidence.most_outstanding:
        yield f"{lost} parts paid again after {deaths} deaths: more than workers may hold"
    twice = sum(repetition.reason == "published twice" for repetition in repetitions)
    if twice > most_published_twice(evidence):
        yield f"{twice} parts paid again for being published twice"


def _what_is_written_is_not_paid_again(evidence: Evidence) -> Iterator[str]:
    slack_s = COARSE_S
    if lease_losses_of(evidence) or may_be_published_twice(evidence):
        slack_s = LATE_S + stood_still_s(evidence)
    calls = by_part(evidence.calls)
    for about, rows in _by_part(evidence.ledgers).items():
        first_s = min(row.durable_s for row in rows)
        for call in calls.get(about, []):
            if call.began_s > first_s + slack_s:
                late_s = call.began_s - first_s
                yield f"{about} was asked for {late_s:.3f} s after it was written"


def _raw_files_hold_what_was_paid(evidence: Evidence) -> Iterator[str]:
    calls = by_part(evidence.calls)
    overlaps = lease_losses_of(evidence) or may_be_published_twice(evidence)
    written_again = 0
    for about, rows in _by_part(evidence.ledgers).items():
        different = {(row.worker_id, row.written_at) for row in rows}
        written_again += len(rows) - len(different)
        answered = sum(call.outcome == "answered" for call in calls.get(about, []))
        if len(different) > answered:
            yield f"{about} has {len(different)} rows of {answered} answers"
        if len(different) > 1 and not overlaps:
            yield f"{about} has {len(different)} rows, and no lease was lost: {rows}"
    refused = sum(refusal["rows"] for refusal in evidence.noted("refused") if refusal["durable"])
    if written_again > refused:
        yield f"{written_again} rows are there twice, and {refused} were written twice"


def _dead_letters_have_their_reasons(evidence: Evidence) -> Iterator[str]:
    met: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for call in evidence.calls:
        met[call.about][call.outcome] += 1
    for letter in evidence.ledgers.dead:
        method = EMBEDDING if '"embed"' in letter.body else ANSWER
        faults = met[method, f"gs://bucket/s1/v0/{letter.subject_id}.jpg"]
        if letter.reason is Reason.ATTEMPTS_EXHAUSTED:
            true = letter.delivery_attempt >= MAX_ATTEMPTS
        else:
            true = any(GIVEN_UP.get(fault) is letter.reason for fault in faults)
        if not true:
            yield f"{letter.reason} of {letter.subject_id}, which met {dict(faults)}"


def _the_budget_is_kept(evidence: Evidence) -> Iterator[str]:
    limits = evidence.limits
    calls = [call for call in evidence.called_within_limits if call.paid]
    # Slices of dead workers are given back when a clock jumps by an hour, paid calls and all.
    if evidence.happened("jump"):
        return
    images = len({call.image for call in calls})
    if limits.images is not None and images > limits.images:
        yield f"{images} images were asked about, and {limits.images} are allowed"
    if limits.cost_usd_micros is not None:
        cost = sum(map(_costs_of(evidence.ledgers), (call for call in calls if call.charged)))
        if cost > limits.cost_usd_micros:
            yield f"{cost} micros of USD were spent, and {limits.cost_usd_micros} are allowed"


def _costs_of(ledgers: Ledgers) -> Callable[[ModelCall], int]:
    """Return what a call cost: the same answer costs the same, and others at most the dearest."""
    known: dict[tuple[str, str], int] = {}
    dearest: Counter[str] = Counter()
    for row in ledgers.rows:
        known[row.about] = min(row.cost_usd_micros, known.get(row.about, row.cost_usd_micros))
        dearest[row.about[0]] = max(row.cost_usd_micros, dearest[row.about[0]])
    return lambda call: known.get(call.about, dearest[call.method])


def _processes_end_as_they_should(evidence: Evidence) -> Iterator[str]:
    died = len(evidence.noted("died"))
    killed = sum(ending.status == -signal.SIGKILL for ending in evidence.exits)
    by_us = sum(ending.status == -signal.SIGKILL and ending.killed for ending in evidence.exits)
    for ending in evidence.exits:
        if not (_is_fine(ending) or (ending.status == 5 and evidence.limits)):
            errors = [note for note in evidence.noted("error") if note["number"] == ending.number]
            yield f"{ending} {errors}"
    if not killed - by_us <= died <= killed:  # one that we kill may be dead by its own hand
        yield f"{killed} processes were killed, {by_us} of them by us, and {died} say they did it"
    if evidence.left_running:
        yield f"left running: {evidence.left_running}"


def _is_fine(ending: Exit) -> bool:
    if ending.status == -signal.SIGTERM:
        return ending.sent_term  # before it listened
    if ending.harmed and ending.status in {1, 4}:
        return True
    return ending.status in {0, -signal.SIGKILL}


def _nothing_is_left_lying_about(evidence: Evidence) -> Iterator[str]:
    files = [name for name in evidence.ledgers.files if not MAY_STAY.fullmatch(name)]
    litter = [name for name in files if LITTER.fullmatch(name)]
    strange = sorted(set(files) - set(litter))
    if strange:
        yield f"{strange}"
    killed = sum(ending.status == -signal.SIGKILL for ending in evidence.exits)
    if len(litter) > 2 * killed:
        yield f"{killed} processes were killed, and this is left: {litter}"


def _compaction_changes_nothing_but_files(evidence: Evidence) -> Iterator[str]:
    before, after = evidence.ledgers, evidence.compacted
    if after is None:
        return
    if (after.balance, after.views) != (before.balance, before.views):
        yield f"{before.balance} became {after.balance}"
    doubled = [about for about, rows in _by_part(after).items() if len(rows) > 1]
    # Files that were replaced stay for a while, for those who read them.
    if doubled and not any("compacted" in name for name in after.files):
        yield f"still doubled: {doubled}"
    litter = [name for name in after.files if name.endswith(".tmp")]
    if litter:
        yield f"not cleared: {litter}"


_CHECKS: tuple[Check, ...] = (
    _the_account_balances,
    _views_show_one_row_a_key,
    _each_part_is_paid_once_or_for_a_reason,
    _what_is_written_is_not_paid_again,
    _raw_files_hold_what_was_paid,
    _dead_letters_have_their_reasons,
    _the_budget_is_kept,
    _processes_end_as_they_should,
    _nothing_is_left_lying_about,
    _compaction_changes_nothing_but_files,
)


def _all_ledgers(evidence: Evidence) -> list[Ledgers]:
    return [evidence.ledgers, *([evidence.compacted] if evidence.compacted else [])]


def _by_part(ledgers: Ledgers) -> dict[tuple[str, str], list[Row]]:
    rows: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in ledgers.rows:
        rows[row.about].append(row)
    return rows
