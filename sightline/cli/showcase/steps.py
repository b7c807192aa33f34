"""The demo's steps, each one as the command of the same name does it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sightline.analysis.evaluation import FieldScore, score
from sightline.cli.output import progress_bar, remark
from sightline.cli.program import program
from sightline.cli.showcase.staging import stage
from sightline.cli.showcase.workers import run_workers
from sightline.errors import ConfigurationError
from sightline.model import Balance
from sightline.operations.enqueue import enqueue
from sightline.operations.reading.ground_truth import read_truth
from sightline.operations.requests import task_request
from sightline.ports import SearchHit, SearchQuery
from sightline.settings import Settings
from sightline.vision.scenes import render_collection
from sightline.wiring.engine import open_engine
from sightline.wiring.models import open_models
from sightline.wiring.tasks import known_tasks

MARKER = ".sightline-demo"
SEARCHES = (
    "a stop sign with graffiti",
    "a leaning wooden pole with a transformer",
    "a cracked round cover at night",
)
HITS = 3


@dataclass(frozen=True, slots=True)
class DemoOutcome:
    """The outcome of the demo.

    ``seconds`` is the workers' time, from start to drained.
    """

    images: int
    seconds: float
    answers: int
    embeddings: int
    dead_letters: Mapping[str, int]
    balance: Balance
    scores: tuple[FieldScore, ...]
    searches: tuple[tuple[str, tuple[SearchHit, ...]], ...]
    home: Path
    scenes: Path
    dataset: str = ""

    def whereabouts(self, directory: Path) -> Iterator[str]:
        """Yield the locations of images and results, and how to continue."""
        yield f"images:     {directory}/scenes"
        if self.dataset:
            yield f"results:    the BigQuery dataset {self.dataset}"
            return
        home = directory / ".sightline"
        yield f"results:    {home}/warehouse (Parquet)"
        yield f'continue:   {program()} --home {home} search "a faded yield sign in the rain"'
        yield f"look:       {program()} --home {home} gallery"

    @property
    def images_per_s(self) -> float:
        """Images per second, over all workers, including their start."""
        return self.images / self.seconds

    def as_dict(self) -> dict[str, Any]:
        """Return the outcome as plain values."""
        return {
            "images": self.images,
            "seconds": round(self.seconds, 2),
            "images_per_s": round(self.images_per_s, 1),
            "answers": self.answers,
            "embeddings": self.embeddings,
            "dead_letters": dict(self.dead_letters),
            "balance": asdict(self.balance) | {"holds": self.balance.holds},
            "accuracy": [asdict(field) for field in self.scores],
            "searches": {
                text: [
                    {
                        "observation_id": hit.observation.observation_id,
                        "score": hit.score,
                        "gcs_uri": hit.observation.gcs_uri,
                        "answers": hit.answers,
                    }
                    for hit in hits
                ]
                for text, hits in self.searches
            },
            "home": str(self.home),
            "scenes": str(self.scenes),
        }


async def run(
    settings: Settings, directory: Path, *, scenes: int, workers: int, seed: int
) -> DemoOutcome:
    """Do the whole job in ``directory`` and return the outcome."""
    on_bigquery = settings.adapter("warehouse") == "bigquery"
    _make_room(directory)
    collection = directory / "scenes"
    remark(f"1/4 rendering {scenes:,} street scenes with their ground truth")
    with progress_bar("rendering", scenes) as update:
        render_collection(
            collection, count=scenes, seed=seed, on_progress=lambda done: update(done, scenes)
        )
    remark("2/4 importing them, and enqueueing a run")
    await stage(settings, collection)
    run_id = await _enqueue(settings)
    remark(f"3/4 classifying and embedding with {workers} workers")
    started_s = time.monotonic()
    async with open_engine(settings) as engine:
        with progress_bar("parts", None) as update:
            summaries = await run_workers(settings, engine.runs, run_id, workers, update)
        seconds = time.monotonic() - started_s
        remark("4/4 measuring and searching")
        truths = read_truth(collection / "ground_truth.jsonl", known_tasks(settings))
        scores = score(truths, await engine.upkeep.current_answers())
        return DemoOutcome(
            images=sum(summary["acked"] for summary in summaries),
            seconds=seconds,
            answers=sum(summary["answers"] for summary in summaries),
            embeddings=sum(summary["embeddings"] for summary in summaries),
            dead_letters=await engine.runs.dead_by_reason(run_id),
            balance=await engine.runs.balance(run_id),
            scores=tuple(scores),
            searches=tuple([(text, await _search(settings, engine, text)) for text in SEARCHES]),
            home=settings.home,
            scenes=collection,
            dataset=settings.bigquery.dataset if on_bigquery else "",
        )


def _make_room(directory: Path) -> None:
    """Remove an earlier demo; any other content is an error."""
    if (directory / MARKER).is_file():
        # The folder itself stays: it may be a shell's current folder.
        for path in directory.iterdir():
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    elif directory.exists() and any(directory.iterdir()):
        raise ConfigurationError(f"{directory} is not empty and is not a demo; give another --dir")
    directory.mkdir(parents=True, exist_ok=True)
    (directory / MARKER).write_text("Made by `sightline demo`, which may remove this folder.\n")


async def _enqueue(settings: Settings) -> str:
    async with open_engine(settings) as engine:
        run = await enqueue(engine, task_request(settings, command="demo"))
    if run.run_id is None:
        raise ConfigurationError("nothing was rendered; give --scenes 100 or so")
    return run.run_id


async def _search(settings: Settings, engine: Any, text: str) -> tuple[SearchHit, ...]:
    async with open_models(settings) as models:
        vector = (await models.embed.embed_text(text)).vector
    own = settings.models
    query = SearchQuery(own.embed, own.embed_dimension, vector, top=HITS)
    return tuple(await engine.search.search(query))
