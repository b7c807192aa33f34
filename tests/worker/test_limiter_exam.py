"""Drawn worlds, the oracle beside which limiters are scored, and the table of the exam."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import accumulate
from pathlib import Path

import pytest

from bench.limiter_lab import exam, memories
from bench.limiter_lab.competitors import Bucket
from bench.limiter_lab.drawn import DrawnWorld, Hints, Trouble, draw
from bench.limiter_lab.score import Score, score
from bench.limiter_lab.world import Stay
from sightline.ports import QuotaBelief
from sightline.sim.vertex import Fault, Latency, RateStep, Schedule

TEN_A_SECOND = DrawnWorld(
    seed=1,
    shape="constant",
    seconds=300.0,
    quota=Schedule.constant(10.0),
    phase_s=0.0,
    others=Schedule.constant(0.0),
    random_share=0.0,
    random_drains=False,
    stays=(Stay(),),
    latency=Latency(1.0, 1.5, 0.1),
    hints=None,
    trouble=None,
    cap=1000,
)


def scored(drawn_world: DrawnWorld, rate_per_s: float) -> Score:
    """Return how workers that send at one rate do in a world."""
    return score(drawn_world, drawn_world.world(lambda _cap, _ahead_s: Bucket(rate_per_s)).run())


def short_world() -> int:
    """Return the seed of a world of few calls."""
    return min(range(1, 30), key=lambda seed: sum(draw(seed).oracle()))


def oracle_calls(drawn_world: DrawnWorld) -> float:
    return list(accumulate(drawn_world.oracle()))[-1]


def test_who_sends_at_the_quota_has_all_of_it_and_is_refused_nothing() -> None:
    at_quota = scored(TEN_A_SECOND, 10.0)
    assert at_quota.used == pytest.approx(1.0, abs=0.01)
    assert at_quota.refused == 0.0
    assert at_quota.jain is None


def test_who_sends_twice_the_quota_is_refused_half() -> None:
    twice = scored(TEN_A_SECOND, 20.0)
    assert twice.used == pytest.approx(1.0, abs=0.01)
    assert twice.refused == pytest.approx(0.5, abs=0.01)
    assert twice.start > 4.0


def test_who_sends_half_of_the_quota_uses_half() -> None:
    assert scored(TEN_A_SECOND, 5.0).used == pytest.approx(0.5, abs=0.01)


def test_a_quota_by_the_minute_is_measured_in_whole_windows() -> None:
    by_minute = replace(TEN_A_SECOND, quota=Schedule.constant(10.0, window_s=60.0), phase_s=40.0)
    assert scored(by_minute, 10.0).used == pytest.approx(1.0, abs=0.01)
    assert scored(by_minute, 30.0).used == pytest.approx(1.0, abs=0.01)


def test_shares_of_workers_at_one_rate_are_fair_and_of_others_are_not() -> None:
    pair = replace(TEN_A_SECOND, stays=(Stay(), Stay()))
    assert scored(pair, 5.0).jain == pytest.approx(1.0, abs=0.01)
    rates = iter((8.0, 2.0))
    calls = pair.world(lambda _cap, _ahead_s: Bucket(next(rates))).run()
    assert score(pair, calls).jain == pytest.approx(100 / (2 * 68), abs=0.02)


def test_a_worker_that_is_gone_is_compared_with_nobody() -> None:
    left = replace(TEN_A_SECOND, stays=(Stay(), Stay(leave_s=35.0)))
    assert scored(left, 5.0).jain is None


def test_refusals_at_random_drain_the_quota_or_do_not() -> None:
    beside = replace(TEN_A_SECOND, random_share=0.2)
    assert oracle_calls(beside) == pytest.approx(3000)
    assert oracle_calls(replace(beside, random_drains=True)) == pytest.approx(2400)
    assert scored(beside, 12.5).used == pytest.approx(1.0, abs=0.03)
    assert scored(replace(beside, random_drains=True), 10.0).used == pytest.approx(1.0, abs=0.03)


def test_others_caps_and_trouble_are_taken_from_what_the_oracle_has() -> None:
    assert oracle_calls(replace(TEN_A_SECOND, others=Schedule.constant(4.0))) == pytest.approx(1800)
    trouble = Trouble(100.0, 130.0, Fault.HANG)
    assert oracle_calls(replace(TEN_A_SECOND, trouble=trouble)) == pytest.approx(2700)
    assert oracle_calls(replace(TEN_A_SECOND, cap=5)) == pytest.approx(300 * 5 / 1.0153, rel=0.01)


def test_others_use_up_what_they_send() -> None:
    shared = replace(TEN_A_SECOND, others=Schedule.of([RateStep(0, 0.0), RateStep(150, 5.0)]))
    calls = shared.world(lambda _cap, _ahead_s: Bucket(10.0)).run()
    refused = [call.sent_s for call in calls if call.over_quota]
    assert refused
    assert min(refused) > 150


def test_hints_are_the_truth_or_always_the_same() -> None:
    hints: set[float | None] = set()

    class Listening(Bucket):
        def done(self, now_s: float, sample: object) -> None:
            hints.add(getattr(sample, "retry_after_s", None))

    wrong = replace(TEN_A_SECOND, hints=Hints(1.0, Fault.THROTTLED_RETRY_AFTER, 3600.0))
    wrong.world(lambda _cap, _ahead_s: Listening(20.0)).run()
    assert hints == {None, 3600.0}
    hints.clear()
    true = replace(TEN_A_SECOND, hints=Hints(1.0, Fault.THROTTLED_RETRY_INFO))
    true.world(lambda _cap, _ahead_s: Listening(20.0)).run()
    assert all(hint_s is None or 0 <= hint_s <= 0.1 for hint_s in hints)
    assert len(hints) > 10


def test_a_cap_is_kept_by_whoever_knows_none() -> None:
    capped = replace(TEN_A_SECOND, cap=3)
    world = capped.world(lambda _cap, _ahead_s: Bucket(100.0))
    world.run()
    assert world.most_in_flight == 3


def test_a_seed_is_one_world_and_seeds_are_many() -> None:
    assert draw(7) == draw(7)
    worlds = [draw(seed) for seed in range(1, 201)]
    assert {drawn_world.shape for drawn_world in worlds} == {
        "constant", "ramp", "sine", "square", "steps", "walk",
    }  # fmt: skip
    assert {drawn_world.quota.window_s for drawn_world in worlds} == {None, 1.0, 60.0}
    assert max(len(drawn_world.stays) for drawn_world in worlds) > 32
    for drawn_world in worlds:
        assert drawn_world.seconds >= 300
        assert oracle_calls(drawn_world) >= 0
        assert min(step.rate_per_s or 0.0 for step in drawn_world.quota.steps) > 0


def test_the_table_names_the_worst_worlds_and_who_is_better_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seed = short_world()
    compared = {name: exam.LIMITERS[name] for name in (exam.OURS, "AIMD")}
    monkeypatch.setattr(exam, "LIMITERS", compared)
    monkeypatch.setattr("sys.argv", ["exam", "--seed", str(seed), "--count", "1", "--beside"])
    exam.main()
    table = capsys.readouterr().out
    assert "| | ours | AIMD |" in table
    assert f"  {seed}: " in table


def test_scores_are_had_as_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seed = short_world()
    monkeypatch.setattr("sys.argv", ["exam", "--seed", str(seed), "--count", "1", "--json"])
    exam.main()
    (own,) = json.loads(capsys.readouterr().out)["ours"]
    assert own["seed"] == seed
    assert 0.0 <= own["refused"] <= 1.0


def test_named_worlds_are_examined_at_two_round_trips(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(exam, "named_worlds", lambda _round_trip_s: {"ten": TEN_A_SECOND})
    monkeypatch.setattr("sys.argv", ["exam", "--named"])
    exam.main()
    _, _, *rows = capsys.readouterr().out.splitlines()
    assert [row.split(" | ")[:3] for row in rows] == [
        ["| ten", round_trip, peers]
        for round_trip in ("1 s", "4 s")
        for peers in ("seen", "unseen")
    ]


def test_a_world_can_be_drawn_as_a_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = tmp_path / "world.svg"
    seed = str(short_world())
    monkeypatch.setattr(
        "sys.argv", ["exam", "--seed", seed, "--count", "1", "--plot", str(picture)]
    )
    exam.main()
    assert f">World {seed}</text>" in picture.read_text(encoding="utf-8")


def test_another_is_better_with_more_of_the_quota_at_no_more_refusals() -> None:
    own = Score(seed=1, used=0.8, refused=0.02, start=0.0, jain=None, sent=1000)
    assert exam.overtaken([own], [replace(own, used=0.86)]) == [1]
    assert exam.overtaken([own], [replace(own, used=0.86, refused=0.03)]) == []
    assert exam.overtaken([own], [replace(own, used=0.84)]) == []


def named_score(name: str, limiter: str = exam.OURS) -> Score:
    return exam.examine_named(name, 1.0, limiter)


@pytest.mark.parametrize(
    ("name", "least_used", "most_refused"),
    [
        ("1/s", 0.9, 0.02),
        ("3/s", 0.95, 0.03),
        ("120 a minute, by the minute", 0.97, 0.04),
        ("a sine of 20 to 100/s", 0.95, 0.03),
        ("20% at random", 0.9, 0.08),
        ("3 workers on 12/s", 0.9, 0.08),
    ],
)
def test_who_sees_its_peers_is_right_for_quotas_that_users_meet(
    name: str, least_used: float, most_refused: float
) -> None:
    own = named_score(name)
    assert own.used >= least_used
    assert own.refused <= most_refused


def test_workers_that_see_each_other_share_a_quota_fairly() -> None:
    own = named_score("8 workers, by the minute")
    assert own.jain is not None
    assert own.jain >= 0.95
    assert own.refused <= 0.03


def test_refusals_at_random_do_not_fool_who_sees_that_it_is_alone() -> None:
    assert named_score("30% at random").used > 0.8
    assert named_score("30% at random", exam.UNSEEN).used < 0.3


def test_windows_admit_whole_calls_and_at_least_one() -> None:
    worlds = [drawn_world for seed in range(120) if (drawn_world := draw(seed)).quota.window_s]
    for drawn_world in worlds:
        for step in drawn_world.quota.steps:
            calls = (step.rate_per_s or 0.0) * (drawn_world.quota.window_s or 0.0)
            assert calls >= 1
            assert calls == pytest.approx(round(calls))


def test_a_memory_of_the_quota_is_tried_in_the_ways_that_it_can_be_wrong() -> None:
    drawn = replace(TEN_A_SECOND, quota=Schedule.constant(10.0, window_s=60.0), phase_s=40.0)
    kinds = {kind: each.belief for kind, each in memories.memories(drawn).items() if each}
    assert kinds["right"] == QuotaBelief(10.0, 0.0, 20.0)
    assert kinds["ten times too high"].rate_per_s == 100.0
    assert kinds["ten times too low"].rate_per_s == 1.0
    assert kinds["another window"].minute_began_s is None
    assert kinds["another share at random"].usual > 0.0


def test_a_right_memory_has_more_of_the_quota_used_at_the_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pair = replace(TEN_A_SECOND, stays=(Stay(), Stay()), seconds=150.0)
    monkeypatch.setattr(memories, "draw", lambda _seed: pair)
    without = memories.examine_memory(1, "none")
    remembered = memories.examine_memory(1, "right")
    assert remembered.used_at_start > without.used_at_start
    assert remembered.score.start <= without.score.start + 0.2


def test_the_table_of_memories_has_a_row_for_each_kind(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seed = short_world()
    monkeypatch.setattr("sys.argv", ["memories", "--seed", str(seed), "--count", "1"])
    memories.main()
    _, _, *rows = capsys.readouterr().out.splitlines()
    assert [row.split(" | ")[0] for row in rows] == [
        f"| {kind}" for kind in memories.memories(draw(seed))
    ]
