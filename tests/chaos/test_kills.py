"""Processes die at random instants; every part is written once, or dead with a reason."""

from __future__ import annotations

import json
import random
import signal
import time

import pytest

from tests.chaos.harness import Home, assert_settled_once, kill, seed
from tests.waiting import GIVE_UP_S, wait_until

PRODUCERS = 8
"""That are killed one after another."""

VIEWS = ("classifications_all", "embeddings_all")
PACED = {
    "SIGHTLINE_CLASSIFY_LIMIT__RATE_PER_S": "400",
    "SIGHTLINE_EMBED_LIMIT__RATE_PER_S": "400",
}
SLOW = {
    "SIGHTLINE_CLASSIFY_LIMIT__RATE_PER_S": "60",
    "SIGHTLINE_EMBED_LIMIT__RATE_PER_S": "60",
}
"""So slow that no worker finishes the run before it is killed."""


@pytest.mark.parametrize("kills", [3, pytest.param(20, marks=pytest.mark.extended)])
def test_workers_killed_one_after_another_lose_and_double_nothing(home: Home, kills: int) -> None:
    rng = random.Random(chosen := seed())
    print(f"CHAOS_SEED={chosen}")
    home.fill(600 * kills)
    run = home.run("enqueue")
    for _ in range(kills):
        so_far = home.balance(run["run_id"]).written
        worker = home.start("work", more=SLOW)
        _wait_for_rows(home, run["run_id"], more_than=so_far + rng.randrange(100))
        assert worker.poll() is None
        assert home.balance(run["run_id"]).holds  # with a worker at work
        kill(worker)
        assert home.balance(run["run_id"]).holds
    home.run("work", "--drain")
    assert_settled_once(home, run["run_id"], run["parts"], VIEWS)
    status = home.run("status", "--check")
    assert status["holds"]
    assert status["dead_letters"] == {}


@pytest.mark.extended
def test_a_worker_with_enough_grace_gives_nothing_back(home: Home) -> None:
    home.fill(1500)
    run = home.run("enqueue")
    worker = home.start("work", "--json", more={**PACED, "SIGHTLINE_WORKER__GRACE_S": "30"})
    _wait_for_rows(home, run["run_id"])
    worker.send_signal(signal.SIGTERM)
    out, err = worker.communicate(timeout=GIVE_UP_S)
    assert worker.returncode == 0, err
    assert json.loads(out)["nacked_at_stop"] == 0
    home.run("work", "--drain")
    assert_settled_once(home, run["run_id"], run["parts"], VIEWS)
    assert home.sql("select max(attempt) most from classifications") == [{"most": 1}]


@pytest.mark.extended
def test_a_worker_with_too_little_grace_gives_the_rest_back_and_counts_it(home: Home) -> None:
    home.fill(1500)
    run = home.run("enqueue")
    worker = home.start("work", "--json", more={**PACED, "SIGHTLINE_WORKER__GRACE_S": "0"})
    _wait_for_rows(home, run["run_id"])
    worker.send_signal(signal.SIGTERM)
    out, err = worker.communicate(timeout=GIVE_UP_S)
    assert worker.returncode == 0, err
    given_back = json.loads(out)["nacked_at_stop"]
    assert given_back > 0
    home.run("work", "--drain")
    assert_settled_once(home, run["run_id"], run["parts"], VIEWS)
    (row,) = home.sql("select count(distinct subject_id) n from embeddings_all where attempt > 1")
    assert 0 < row["n"] <= given_back


def test_two_producers_at_the_same_instant_publish_everything_once(home: Home) -> None:
    home.fill(2000)
    producers = [home.start("enqueue", "--json") for _ in range(2)]
    runs = []
    for producer in producers:
        out, err = producer.communicate(timeout=GIVE_UP_S)
        assert producer.returncode == 0, err
        runs.append(json.loads(out))
    assert sorted(run["messages"] for run in runs) == [0, 2000]
    status = home.run("status", "--check")
    assert [run["queued"] for run in status["runs"]] == [4000]
    assert status["queue"]["ready"] == 2000


@pytest.mark.extended
def test_a_producer_killed_at_random_instants_resumes_and_publishes_everything_once(
    home: Home,
) -> None:
    rng = random.Random(chosen := seed())
    print(f"CHAOS_SEED={chosen}")
    home.environment["SIGHTLINE_PRODUCER__RANGE_ITEMS"] = "50"
    home.fill(20_000)
    for _ in range(PRODUCERS):
        producer = home.start("enqueue")
        time.sleep(rng.uniform(0.5, 2.0))
        kill(producer)
        resuming = home.start("enqueue", "--resume", "all")
        time.sleep(rng.uniform(0.5, 1.5))
        kill(resuming)
    home.run("enqueue", "--resume", "all")
    home.run("enqueue")
    status = home.run("status", "--check")
    assert sum(run["queued"] for run in status["runs"]) == 40_000
    assert status["queue"]["ready"] == 20_000


@pytest.mark.extended
def test_a_cancelled_run_is_paid_no_further_and_still_balances(home: Home) -> None:
    home.fill(1000)
    run = home.run("enqueue")
    worker = home.start("work", more={**PACED, "SIGHTLINE_CLASSIFY_LIMIT__RATE_PER_S": "100"})
    _wait_for_rows(home, run["run_id"])
    assert home.run("cancel", run["run_id"])["dropped"] > 0
    worker.send_signal(signal.SIGTERM)
    worker.communicate(timeout=GIVE_UP_S)
    home.run("work", "--drain")
    balance = home.balance(run["run_id"])
    assert balance.holds
    assert balance.settled
    assert 0 < balance.cancelled < balance.parts
    again = home.run("enqueue")
    assert again["parts"] == balance.cancelled


def _wait_for_rows(home: Home, run_id: str, *, more_than: int = 0) -> None:
    def came() -> bool:
        balance = home.balance(run_id)
        assert more_than < balance.parts
        return balance.written > more_than

    wait_until(came)


@pytest.mark.extended
def test_a_worker_stopped_for_longer_than_its_lease_doubles_nothing(home: Home) -> None:
    home.fill(1500)
    run = home.run("enqueue")
    stopped = home.start("work", "--drain", more=PACED)
    _wait_for_rows(home, run["run_id"])
    stopped.send_signal(signal.SIGSTOP)
    other = home.start("work", "--drain")
    # Longer than the lease of two seconds. Stopped while it writes to the queue, it keeps the
    # other from writing until it goes on, which the other waits for.
    time.sleep(6)
    stopped.send_signal(signal.SIGCONT)
    for worker in (stopped, other):
        _, err = worker.communicate(timeout=GIVE_UP_S)
        assert worker.returncode == 0, err
    assert_settled_once(home, run["run_id"], run["parts"], VIEWS)
