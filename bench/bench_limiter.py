"""The limiter, on worlds that are drawn at random, in virtual time.

Quotas of 0.1 to 1,000 calls per second that stay, jump, creep or are counted by the minute; 1 to 64
workers; up to half of the calls refused at random. None of these worlds was used for tuning. "Quota
used" compares with an oracle that knows the quota. Other limiters get the same worlds.

The limiter of workers that see each other has the goals; what was tried for those that are missed
is in decision 20. All tables are in [The limiter in full](benchmarks-limiter.md).
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from selectors import DefaultSelector, SelectorKey

from bench.figures import RESULTS, Figure, report
from bench.limiter_lab import full_tables
from bench.limiter_lab.exam import (
    OURS,
    UNSEEN,
    Trial,
    examine_all,
    named_lines,
    shorter,
    summary,
    summary_lines,
)
from bench.limiter_lab.memories import memory_lines
from bench.limiter_lab.scenarios import SCENARIOS
from bench.limiter_lab.score import Score
from sightline.settings import LimitSettings
from worker.limiting import AdaptiveLimiter, Outcome, Sample

WARM_UP = 5_000
LOOK_S = 0.005
SEEDS = range(401, 501)
"""Of the drawn worlds; those of 1 to 400 are for tuning."""

MOST_CALLS = 30_000
"""Longer worlds are left out: they take minutes each."""

MOST_CALLS_OF_MEMORIES = 3_000
MEMORIES = f"""\
Worlds of the same seeds, with fewer than {MOST_CALLS_OF_MEMORIES:,} calls. Workers begin with what
others believed of the quota a minute before, or with something wrong. The start lasts until an
oracle has had 30 calls a worker, and 30 s. `python -m bench.limiter_lab.memories
--seed {SEEDS.start} --count {len(SEEDS)} --most-calls {MOST_CALLS_OF_MEMORIES}` prints this table.
"""

GOALS = {
    "used, median %": (96.0, "higher"),
    "used, 10th percentile %": (88.0, "higher"),
    "refused, median %": (1.5, "lower"),
    "refused, 90th percentile %": (5.0, "lower"),
    "Jain, median": (0.95, "higher"),
    "Jain, 10th percentile": (0.85, "higher"),
}
BESIDE = (OURS, UNSEEN, "AIMD", "botocore's adaptive mode")
"""Netflix's limiters have nearly all calls refused in some of these worlds, which takes hours."""

SHOWN = ("used, median %", "refused, median %")
"""Of the others."""

PICTURES = ("steps", "minutes", "random30", "eight")
FULL = full_tables.DOCS / "benchmarks-limiter.md"
HEAD = """# The limiter in full

All tables behind the limiter's part of the [benchmarks](benchmarks.md). "Peers seen" are workers
that see each other, as on the local engine and on Google Cloud with `worker.peers`; "peers unseen"
are workers that do not. `python -m bench limiter` writes this page.
"""


def examined() -> Mapping[str, Sequence[Score]]:
    """Examine ours and the usual others on the drawn worlds."""
    seeds = shorter(SEEDS, MOST_CALLS)
    scores = examine_all([Trial(name, seed, {}) for name in BESIDE for seed in seeds])
    return {
        name: scores[place * len(seeds) : (place + 1) * len(seeds)]
        for place, name in enumerate(BESIDE)
    }


def drawn_figures(scores: Mapping[str, Sequence[Score]]) -> Iterator[Figure]:
    """Yield the quantiles of ours with their goals, and of the others beside them."""
    ours = summary(scores[OURS])
    for row, (goal, better) in GOALS.items():
        yield Figure(row, ours[row], "", goal, "higher" if better == "higher" else "lower")
    for name, own in scores.items():
        if name != OURS:
            what = "workers that do not see each other" if name == UNSEEN else name
            for row in SHOWN:
                yield Figure(f"  {what}: {row}", summary(own)[row], "")


class VirtualTime(asyncio.SelectorEventLoop):
    """An event loop that does not wait: its clock moves on instead, and by 5 ms at each look."""

    now_s = 0.0

    def __init__(self) -> None:
        loop = self

        class Impatient(DefaultSelector):
            def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
                loop.now_s += timeout or 0.0
                return super().select(0)

        super().__init__(Impatient())

    def time(self) -> float:
        """Return the time, without looking at the clock."""
        return self.now_s

    def look_s(self) -> float:
        """Return the time after a look at the clock."""
        self.now_s += LOOK_S
        return self.now_s


def cost_us(permits: int = 50_000, *, seen_peers: bool = False) -> float:
    """Return the microseconds of one permit, taken at once and given back, without a quota.

    Nothing holds a call back once the rate has grown, which is not measured.
    """
    sample = Sample(Outcome.SUCCEEDED, 0.01)
    loop = VirtualTime()

    async def take() -> float:
        limits = LimitSettings(in_flight=64)
        limiter = AdaptiveLimiter(limits, seen_peers=seen_peers, monotonic=loop.look_s)
        started_s = 0.0
        for number in range(WARM_UP + permits):
            if number == WARM_UP:
                started_s = time.process_time()
            await limiter.acquire()
            limiter.release(sample)
        return (time.process_time() - started_s) / permits * 1e6

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(take())


def pictures() -> str:
    """Return the pictures that say most, as Markdown."""
    return "\n".join(
        f"![{scenario.title}: quota and rate sent](images/limiter/{scenario.name}.svg)\n"
        for scenario in SCENARIOS
        if scenario.name in PICTURES
    )


def main() -> None:
    """Measure everything; write the long page, and the results for the short one."""
    costs = [
        Figure("a permit, CPU", cost_us(seen_peers=True), "µs", 10, "lower"),
        Figure("  workers that do not see each other: a permit, CPU", cost_us(), "µs", 10, "lower"),
    ]
    scores = examined()
    report("limiter", [*costs, *drawn_figures(scores)])
    with ProcessPoolExecutor() as pool:
        tables = list(full_tables.pages(pool))
    count = len(scores[OURS])
    parts = [
        "## Drawn worlds\n",
        f"{count} worlds of the seeds {SEEDS.start} to {SEEDS.stop - 1}.\n",
        *summary_lines(scores),
        "\n## Beginning with a memory\n",
        MEMORIES,
        *memory_lines(shorter(SEEDS, MOST_CALLS_OF_MEMORIES)),
        "\n## Quotas that users have\n",
        *named_lines(),
        "",
        *tables,
    ]
    FULL.write_text("\n".join([HEAD, *parts]).rstrip() + "\n", encoding="utf-8")
    kept = RESULTS / "limiter.json"
    content = json.loads(kept.read_text(encoding="utf-8")) | {"more": pictures()}
    kept.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
