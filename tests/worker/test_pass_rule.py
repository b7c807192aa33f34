"""The rule after each pass of a batch: go on, pause for how long, or stop."""

from __future__ import annotations

from worker.batches.pass_rule import (
    LONGEST_PAUSE_S,
    Next,
    Pass,
    PassRule,
)


def test_progress_makes_up_for_a_fruitless_pass() -> None:
    rule = PassRule()
    nothing, some = Pass(0, 0, 5), Pass(1, 0, 4)
    assert [rule.after(outcome) for outcome in (nothing, some, nothing)] == [Next.GO_ON] * 3
    assert rule.after(nothing) is Next.STUCK


def test_the_longest_pause_is_bounded() -> None:
    rule = PassRule()
    for _ in range(30):
        rule.after(Pass(0, 0, 1))
    assert rule.pause_s(Pass(0, 0, 1)) == LONGEST_PAUSE_S
    assert rule.pause_s(Pass(1, 0, 0)) == 0.0
