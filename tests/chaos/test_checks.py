"""The checks of a round find what is wrong: each is shown a round with one thing wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from sightline.errors import Reason
from sightline.model import Balance, Usage
from sightline.ports import Amount, DeadLetterRow, Limits
from tests.chaos.checks import problems
from tests.chaos.evidence import Evidence, Exit, Happening, Ledgers, Row
from tests.chaos.models import ANSWER, EMBEDDING, ModelCall
from tests.chaos.plan import plan_of

IMAGES = ["gs://bucket/s1/v0/o000000.jpg", "gs://bucket/s1/v0/o000001.jpg"]
PARTS = [(method, image) for image in IMAGES for method in (ANSWER, EMBEDDING)]
AT = datetime(2026, 5, 1, tzinfo=UTC)


def _call(about: tuple[str, str], began_s: float, outcome: str = "answered") -> ModelCall:
    return ModelCall(*about, began_s, began_s + 0.1, outcome)


def _row(about: tuple[str, str], durable_s: float, **more: Any) -> Row:
    return replace(Row(about, "/".join(about), "w1", 1, AT, 500, durable_s), **more)


LEDGERS = Ledgers(
    balance=Balance("r", 4, 4, 0, 0, 0, 0, 0, 0, 0),
    views={"classifications_all": (2, 2), "embeddings_all": (2, 2)},
    rows=[_row(about, 2.0) for about in PARTS],
    dead=[],
    spent=Amount(),
    files=["queue.db", "warehouse/.enqueue.lock", "warehouse/runs/date=2026-05-01/a.parquet"],
)
FINE = Evidence(
    plan=replace(plan_of(1), queue="local", messages=2),
    lease_s=2.0,
    call_timeout_s=2.0,
    most_outstanding=64,
    ledgers=LEDGERS,
    compacted=None,
    calls=[_call(about, 1.0) for about in PARTS],
    happenings=[],
    notes=[],
    exits=[Exit("work", 0, 0, killed=False, sent_term=True, harmed=False)],
    left_running=[],
    limits=Limits(),
    called_within_limits=[],
    seconds=3.0,
)
KILLED = Exit("work", 0, -9, killed=True, sent_term=False, harmed=False)


def _with(**ledgers: Any) -> Evidence:
    return replace(FINE, ledgers=replace(LEDGERS, **ledgers))


def _killed(at_s: float, *calls: ModelCall, rows: Sequence[Row] = ()) -> Evidence:
    """Return a round whose first part was written, and asked for, as it is told here."""
    return replace(
        FINE,
        ledgers=replace(LEDGERS, rows=[*rows, *LEDGERS.rows[1:]]),
        calls=[*calls, *FINE.calls[1:]],
        happenings=[Happening("kill work", at_s, at_s)],
        exits=[KILLED],
    )


def _names(evidence: Evidence) -> list[str]:
    return sorted({problem.partition(":")[0] for problem in problems(evidence)})


def test_a_round_in_which_nothing_is_wrong_passes() -> None:
    assert problems(FINE) == []


@pytest.mark.parametrize(
    ("wrong", "check"),
    [
        (
            _with(balance=Balance("r", 4, 3, 0, 0, 0, 0, 1, 0, 0),
                  views={"classifications_all": (1, 1), "embeddings_all": (2, 2)}),
            "the_account_balances",
        ),
        (
            _with(balance=replace(LEDGERS.balance, awaiting_ack=1)),
            "the_account_balances",
        ),
        (
            _with(views={"classifications_all": (3, 2), "embeddings_all": (1, 1)}),
            "views_show_one_row_a_key",
        ),
        (_with(files=["queue.db-wal"]), "nothing_is_left_lying_about"),
        (_with(files=["warehouse/runs/x.parquet.1.tmp"]), "nothing_is_left_lying_about"),
        (replace(FINE, left_running=[17]), "processes_end_as_they_should"),
        (
            replace(FINE, exits=[Exit("work", 0, 4, killed=False, sent_term=False, harmed=False)]),
            "processes_end_as_they_should",
        ),
        (
            replace(FINE, exits=[Exit("work", 0, -9, killed=False, sent_term=False, harmed=False)]),
            "processes_end_as_they_should",
        ),
        (
            replace(FINE, compacted=replace(LEDGERS, balance=replace(LEDGERS.balance, written=3),
                                            files=[])),
            "compaction_changes_nothing_but_files",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_found(wrong: Evidence, check: str) -> None:
    assert check in _names(wrong)


def test_a_call_paid_twice_without_a_death_has_no_reason() -> None:
    again = [*FINE.calls, _call(PARTS[0], 1.5)]
    assert _names(replace(FINE, calls=again)) == ["each_part_is_paid_once_or_for_a_reason"]


def test_a_call_in_flight_at_a_kill_may_be_paid_again() -> None:
    calls = _call(PARTS[0], 1.0, "unanswered"), _call(PARTS[0], 4.0)
    assert problems(_killed(1.05, *calls, rows=[_row(PARTS[0], 5.0)])) == []


def test_an_answer_that_was_not_written_at_a_kill_may_be_paid_again() -> None:
    calls = _call(PARTS[0], 1.0), _call(PARTS[0], 4.0)
    assert problems(_killed(1.3, *calls, rows=[_row(PARTS[0], 5.0)])) == []


def test_an_answer_that_waited_for_long_must_have_been_written_before_a_kill() -> None:
    calls = _call(PARTS[0], 1.0), _call(PARTS[0], 21.0)
    names = _names(_killed(20.0, *calls, rows=[_row(PARTS[0], 22.0)]))
    assert names == ["each_part_is_paid_once_or_for_a_reason"]


def test_an_answer_may_wait_for_the_other_half_of_its_message() -> None:
    calls = _call(PARTS[0], 1.0), _call(PARTS[0], 21.0)
    late = _killed(20.0, *calls, rows=[_row(PARTS[0], 22.0)])
    others = [_call(PARTS[1], 19.0), *FINE.calls[2:]]
    rows = [_row(PARTS[0], 22.0), _row(PARTS[1], 19.5), *LEDGERS.rows[2:]]
    waited = replace(late, calls=[*calls, *others], ledgers=replace(LEDGERS, rows=rows))
    assert problems(waited) == []


@pytest.mark.parametrize(("began_s", "fine"), [(9.95, True), (5.0, False)])
def test_a_stop_without_grace_loses_calls_under_way_and_no_answer(
    began_s: float, fine: bool
) -> None:
    calls = _call(PARTS[0], began_s), _call(PARTS[0], 21.0)
    killed = _killed(10.0, *calls, rows=[_row(PARTS[0], 22.0)])
    stopped = replace(killed, happenings=[Happening("term without grace", 10.0, 10.1)])
    expected = [] if fine else ["each_part_is_paid_once_or_for_a_reason"]
    assert _names(replace(stopped, exits=FINE.exits)) == expected


def test_what_was_written_before_a_kill_must_not_be_paid_again() -> None:
    calls = _call(PARTS[0], 1.0), _call(PARTS[0], 4.0)
    rows = [_row(PARTS[0], 2.0), _row(PARTS[0], 5.0, worker_id="w2")]
    assert _names(_killed(2.1, *calls, rows=rows)) == [
        "raw_files_hold_what_was_paid", "what_is_written_is_not_paid_again"
    ]  # fmt: skip


def test_a_worker_that_stood_still_may_write_what_another_was_paid_for() -> None:
    calls = _call(PARTS[0], 1.0), _call(PARTS[0], 4.0)
    rows = [_row(PARTS[0], 4.5), _row(PARTS[0], 5.0, worker_id="w2")]
    stood_still = replace(_killed(9.0, *calls, rows=rows), happenings=[Happening("stop", 1.0, 4.2)])
    assert problems(replace(stood_still, exits=FINE.exits)) == []


@pytest.mark.parametrize(("second_s", "fine"), [(12.0, True), (17.0, False)])
def test_what_waits_in_a_worker_that_stands_still_is_late_by_so_much(
    second_s: float, fine: bool
) -> None:
    calls = _call(PARTS[0], 1.0), _call(PARTS[0], second_s)
    rows = [_row(PARTS[0], 5.0), _row(PARTS[0], 18.0, worker_id="w2")]
    stood_still = replace(_killed(9.0, *calls, rows=rows), happenings=[Happening("stop", 1.0, 4.2)])
    expected = [] if fine else ["what_is_written_is_not_paid_again"]
    assert _names(replace(stood_still, exits=FINE.exits)) == expected


def test_more_rows_than_answers_are_found() -> None:
    rows = [*LEDGERS.rows, _row(PARTS[0], 2.0, worker_id="w2")]
    assert _names(_with(rows=rows)) == ["raw_files_hold_what_was_paid"]


def test_the_same_row_twice_needs_a_write_that_was_repeated() -> None:
    doubled = _with(rows=[*LEDGERS.rows, LEDGERS.rows[0]])
    assert _names(doubled) == ["raw_files_hold_what_was_paid"]
    note = {"what": "refused", "at_s": 2.0, "rows": 1, "durable": True}
    assert problems(replace(doubled, notes=[note])) == []


@pytest.mark.parametrize(
    ("outcome", "reason", "attempt", "true"),
    [
        ("safety", Reason.BLOCKED_BY_SAFETY, 1, True),
        ("recitation", Reason.BLOCKED_BY_SAFETY, 1, False),
        ("unavailable", Reason.ATTEMPTS_EXHAUSTED, 10, True),
        ("unavailable", Reason.ATTEMPTS_EXHAUSTED, 3, False),
    ],
)
def test_a_dead_letter_needs_the_fault_that_it_names(
    outcome: str, reason: Reason, attempt: int, true: bool
) -> None:
    letter = DeadLetterRow(
        "e", "k", "m", "r", "o000000", "dead", reason, "", attempt, Usage(),
        '{"parts":[{"task":"road_signs"}]}', "w1", AT,
    )  # fmt: skip
    dead = replace(
        _with(
            balance=Balance("r", 4, 3, 1, 0, 0, 0, 0, 0, 0),
            views={"classifications_all": (1, 1), "embeddings_all": (2, 2)},
            rows=LEDGERS.rows[1:],
            dead=[letter],
        ),
        calls=[_call(PARTS[0], 1.0, outcome), *FINE.calls[1:]],
    )
    assert _names(dead) == ([] if true else ["dead_letters_have_their_reasons"])


@pytest.mark.parametrize(
    ("limits", "kept"),
    [
        (Limits(2000, None), True),
        (Limits(1999, None), False),
        (Limits(None, 2), True),
        (Limits(None, 1), False),
    ],
)
def test_a_budget_is_held_against_what_was_called(limits: Limits, kept: bool) -> None:
    limited = replace(FINE, limits=limits, called_within_limits=FINE.calls)
    assert _names(limited) == ([] if kept else ["the_budget_is_kept"])


def test_a_killed_writers_file_may_stay() -> None:
    killed = _killed(1.05, *FINE.calls[:1], rows=LEDGERS.rows[:1])
    left = replace(killed.ledgers, files=["warehouse/runs/x.parquet.1.tmp"])
    assert problems(replace(killed, ledgers=left)) == []
