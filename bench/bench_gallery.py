"""The page: what a person waits for, alone and among fifty, at 100,000 and a million images.

Requests go over loopback to ``sightline gallery`` in a process of its own.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from bench.city import write_city
from bench.figures import Figure, report
from sightline.vision.scenes import render_collection

SEED = 7
ROUNDS = 40
PICTURES = 60
PEOPLE = 50
ACTIONS_EACH = 8
PAUSE_S = (5.0, 10.0)
STATES = (
    "", "type=road_sign", "f.road_signs.condition=faded", "f.road_signs.lighting=night",
    "type=utility_pole&f.utility_poles.leaning=true", "box=5.10,52.07,5.14,52.11",
    "from=2025-01-01&until=2025-06-01", "f.dead=image_gone", "sort=oldest",
    "f.month=2025-03&f.month=2025-04",
)  # fmt: skip
"""Selections as they stand in the address bar."""
WORDS = ("a faded stop sign", "a leaning wooden pole", "a broken cover at night", "a yield sign")
WHOLE_CITY = "within=5.0,52.0,5.25,52.2&zoom=12"


@dataclass
class Page:
    """A signed-in browser of one page, and how long its requests took, in seconds by kind."""

    session: aiohttp.ClientSession
    base: str
    took_s: dict[str, list[float]] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)

    async def get(self, kind: str, path: str) -> bytes:
        """Return the response's body, and note how long it took, or that it failed."""
        started_s = time.perf_counter()
        async with self.session.get(self.base + path) as response:
            body = await response.read()
        self.took_s.setdefault(kind, []).append(time.perf_counter() - started_s)
        if response.status != 200:
            self.failed.append(f"{path}: {response.status} {body[:200]!r}")
        return body

    async def images(self, state: str) -> list[str]:
        """Return the ids on a page."""
        document = json.loads(await self.get("page", f"/api/images?{state}"))
        return [image["id"] for image in document.get("images", ())]

    async def facets(self, state: str) -> None:
        """Count the selection's facets."""
        await self.get("facets", f"/api/facets?{state}")

    async def search(self, words: str, state: str) -> None:
        """Search for words in a selection."""
        await self.get("search", f"/api/images?q={words.replace(' ', '+')}&{state}")

    async def places(self, state: str) -> None:
        """Show a selection on the map."""
        await self.get("map", f"/api/places?{state}&{WHOLE_CITY}")

    async def thumbnails(self, ids: Sequence[str]) -> None:
        """Load the pictures of a page, as a browser does."""
        await asyncio.gather(
            *(self.get("thumbnail", f"/thumbnails/{name}?size=320") for name in ids[:24])
        )


@asynccontextmanager
async def serving(home: Path) -> AsyncIterator[tuple[Page, int]]:
    """Yield a page of a project that is served, and the server's process."""
    command = ["-m", "sightline", "--home", str(home), "gallery", "--port", "0", "--json"]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "SIGHTLINE_IMAGES__ROOTS": json.dumps([str(home.parents[1])])},
    )
    assert process.stdout is not None
    try:
        text = ""
        while not (match := re.search(r'"url": "([^"]+)"', text)):
            line = await process.stdout.readline()
            if not line:
                raise RuntimeError(f"the page does not start: {text}")
            text += line.decode()
        jar = aiohttp.CookieJar(unsafe=True)  # an address instead of a name
        connector = aiohttp.TCPConnector(limit=200)
        async with aiohttp.ClientSession(cookie_jar=jar, connector=connector) as session:
            async with session.get(match[1]) as response:
                assert response.status == 200, await response.text()
            yield Page(session, match[1].partition("/sign-in")[0]), process.pid
    finally:
        process.terminate()
        await process.wait()


async def alone(page: Page) -> None:
    """One person looks through the selections."""
    await page.images("")
    await page.facets("")
    page.took_s.clear()  # the first request builds the image table
    for number in range(ROUNDS):
        state = STATES[number % len(STATES)]
        await page.images(state)
        await page.facets(state)
        await page.places(state)


async def person(page: Page, number: int) -> None:
    """One of many people: an action, then a look at what came."""
    choose = random.Random(SEED + number)
    for _ in range(ACTIONS_EACH):
        await asyncio.sleep(choose.uniform(*PAUSE_S))
        state = choose.choice(STATES)
        match choose.randrange(4):
            case 0:
                await page.places(state)
            case 1:
                await page.search(choose.choice(WORDS), state)
            case _:
                ids, _ = await asyncio.gather(page.images(state), page.facets(state))
                await page.thumbnails(ids)


def p95(durations_s: Sequence[float]) -> float:
    """Return the 95th percentile in milliseconds."""
    return statistics.quantiles(durations_s, n=20)[-1] * 1e3


def private_mib(pid: int) -> float:
    """Return the private memory of a process; Linux only."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    lines = [line.split() for line in rollup.splitlines() if line.startswith("Private")]
    return sum(int(line[1]) for line in lines) / 1024


async def first_page(home: Path) -> float:
    """Return how long a browser waits for the first page of a server that just started, in ms."""
    async with serving(home) as (page, _):
        started_s = time.perf_counter()
        await asyncio.gather(page.get("shell", "/images"), page.images(""), page.facets(""))
        return (time.perf_counter() - started_s) * 1e3


async def measured(home: Path, images: int) -> list[Figure]:
    """Measure a city that one person looks at."""
    first_goal, goal = (300.0, 100.0) if images <= 100_000 else (1000.0, 500.0)
    size = f"{images:,} images"
    async with serving(home) as (page, pid):
        started_s = time.perf_counter()
        await page.images("")
        built_s = time.perf_counter() - started_s
        await alone(page)
        memory = private_mib(pid)
        assert not page.failed, page.failed[:3]
    first_ms = await first_page(home)
    return [
        Figure(f"{size}: the image table is built, once", built_s, "s", better="lower"),
        Figure(f"{size}: first page after a start", first_ms, "ms", first_goal, "lower"),
        *(
            Figure(f"{size}: {kind}, 95th percentile", p95(page.took_s[kind]), "ms", goal, "lower")
            for kind in ("page", "facets", "map")
        ),
        Figure(f"{size}: private memory", memory, "MiB", 700.0, "lower"),
    ]


async def crowd(home: Path) -> list[Figure]:
    """Measure fifty people at once; each does something every 5 to 10 s."""
    async with serving(home) as (page, pid):
        await page.images("")
        for state in STATES:
            await page.search(WORDS[0], state)  # the first search reads all vectors
        alone_ms = p95(page.took_s["search"][1:])
        page.took_s.clear()
        page.failed.clear()
        await asyncio.gather(*(person(page, number) for number in range(PEOPLE)))
        memory = private_mib(pid)
    took_s = [seconds for kind in page.took_s.values() for seconds in kind]
    note = f"{len(took_s):,} requests, the slowest {max(took_s):.2f} s"
    return [
        Figure("100,000 images: search, 95th percentile", alone_ms, "ms", 100.0, "lower"),
        Figure("50 people: any request, 95th percentile", p95(took_s), "ms", 1000.0, "lower", note),
        *(
            Figure(f"  {kind}", p95(durations_s), "ms", better="lower")
            for kind, durations_s in sorted(page.took_s.items())
        ),
        Figure("50 people: failed requests", len(page.failed), "", 0.0, "lower"),
        Figure("50 people: private memory, vectors included", memory, "MiB", better="lower"),
    ]


def run() -> list[Figure]:
    """Measure; about four minutes."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        render_collection(root / "scenes", count=PICTURES, seed=SEED)
        pictures = [path.as_uri() for path in sorted((root / "scenes").rglob("*.jpg"))]
        figures = []
        for images in (100_000, 1_000_000):
            home = root / str(images) / ".sightline"
            write_city(home / "warehouse", images, vectors=images == 100_000, pictures=pictures)
            figures += asyncio.run(measured(home, images))
        figures += asyncio.run(crowd(root / "100000" / ".sightline"))
        return figures


if __name__ == "__main__":
    report("gallery", run())
