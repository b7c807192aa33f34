"""A worker's vital signs under the test's hand, and what a scrape of them says."""

from __future__ import annotations

import time
import urllib.request
from collections import Counter
from dataclasses import dataclass, replace
from typing import cast

from prometheus_client.parser import text_string_to_metric_families

from sightline.ports import Delivery, Subscription
from sightline.settings import Settings, TelemetrySettings
from tests.waiting import GIVE_UP_S
from worker.calls.outages import Outages
from worker.leaser import Leaser
from worker.limiting import Limiter, LimiterSnapshot, LimiterState
from worker.progress import Progress
from worker.worker_status import WorkerStatus

FOUND = LimiterSnapshot(LimiterState.STEADY, 42.5, 17, 96, 0.02, 0.01)


@dataclass
class Telling:
    """A limiter that only tells."""

    limits: LimiterSnapshot

    def snapshot(self) -> LimiterSnapshot:
        return self.limits


def worker_status(
    progress: Progress | None = None, leased: int = 0, **snapshots: LimiterSnapshot
) -> WorkerStatus:
    """Return the vital signs of a worker with these counts, leases and limiters."""
    leaser = Leaser(
        cast(Subscription, None), lease_s=30, max_lease_s=300, monotonic=time.monotonic,
        random=lambda: 0.5,
    )  # fmt: skip
    leaser.hold([Delivery(f"l{n}", f"m{n}", b"", {}, 1) for n in range(leased)])
    limiters = {kind: cast(Limiter, Telling(snapshot)) for kind, snapshot in snapshots.items()}
    outages = Outages(lambda: 0.0)
    return WorkerStatus("w1", progress or Progress(), leaser, limiters, outages, lambda: False)  # type: ignore[arg-type]  # kinds by keyword


def settings(**own: object) -> Settings:
    """Return settings whose telemetry is this."""
    return replace(Settings(), telemetry=replace(TelemetrySettings(), **own))  # type: ignore[arg-type]  # as given


Scraped = dict[str, dict[tuple[tuple[str, str], ...], float]]


def scrape(url: str) -> Scraped:
    """Return what Prometheus would read: by the sample's name, then by its labels."""
    with urllib.request.urlopen(url, timeout=GIVE_UP_S) as answer:
        text = answer.read().decode()
    samples: Scraped = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = tuple(sorted(sample.labels.items()))
            samples.setdefault(sample.name, {})[labels] = sample.value
    return samples


def only(samples: Scraped, name: str, **labels: str) -> float:
    """Return the sum of a metric's samples that have these labels."""
    rows = samples.get(name, {})
    return sum(value for at, value in rows.items() if labels.items() <= dict(at).items())


def a_day() -> Progress:
    """Return the counts of a worker to which everything has happened."""
    return Progress(
        pulled=100, redelivered=7, acked=80, nacked=5, nacked_at_stop=2, leases_lost=1,
        already_settled=3, cancelled=4, over_budget=6, answers=70, embeddings=75, calls=160,
        throttled=9, retries=8, cost_usd_micros=1_250_000,
        dead=Counter(image_gone=2, blocked_by_safety=1),
        rows=Counter(classifications=70, embeddings=75, dead_letters=3),
    )  # fmt: skip
