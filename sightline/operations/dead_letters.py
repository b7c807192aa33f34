"""Lists dead letters, publishes them again, or removes them from the list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from producer.dead_letter_replayer import DeadLetterReplayer
from sightline.errors import ConfigurationError, NotFoundError, Reason
from sightline.ports import DeadLetterFilter, DeadLetterRow, Engine, Warehouse
from sightline.suggestions import did_you_mean
from sightline.wiring.ids import new_id, utc_now
from sightline.work_lists import is_by_workers


@dataclass(frozen=True, slots=True)
class DeadLetterList:
    """Dead letters, oldest first; ``has_more`` if the limit left some out."""

    rows: Sequence[DeadLetterRow]
    has_more: bool


@dataclass(frozen=True, slots=True)
class Replay:
    """How many dead letters were published again.

    ``passed_by`` are those of workers' runs, which an engine without workers does not replay.
    """

    replayed: int
    passed_by: int
    has_workers: bool


@dataclass(frozen=True, slots=True)
class Purge:
    """How many dead letters were removed from the list."""

    purged: int


def dead_letter_filter(reason: str | None = None, run_id: str | None = None) -> DeadLetterFilter:
    """Return the filter for a reason's name and a run; without either, all match.

    Raises:
        ConfigurationError: there is no such reason.
    """
    try:
        return DeadLetterFilter(Reason(reason) if reason else None, run_id)
    except ValueError as error:
        meant = did_you_mean(reason or "", Reason)
        raise ConfigurationError(
            f"--reason {reason!r} is not accepted{meant}; give one of {', '.join(Reason)}"
        ) from error


async def list_dead_letters(
    warehouse: Warehouse, which: DeadLetterFilter, *, limit: int = 50
) -> DeadLetterList:
    """Return the first matching dead letters, up to the limit."""
    one_more = replace(which, limit=limit + 1)
    rows = [row async for row in warehouse.dead_letters.list(one_more)]
    return DeadLetterList(rows[:limit], len(rows) > limit)


async def replay(engine: Engine, which: DeadLetterFilter) -> Replay:
    """Publish dead letters again, each with only its failed part.

    Raises:
        NotFoundError: there is no such run.
    """
    replayer = await _replayer(engine, which)
    replayed = await replayer.replay(which)
    return Replay(replayed, replayer.passed, _has_workers(engine))


async def replay_parts(engine: Engine, part_keys: Sequence[str]) -> Replay:
    """Publish the dead letters of some parts again, such as those of one image."""
    replays = [await replay(engine, DeadLetterFilter(part_key=key)) for key in part_keys]
    return Replay(
        sum(each.replayed for each in replays),
        sum(each.passed_by for each in replays),
        _has_workers(engine),
    )


async def purge(engine: Engine, which: DeadLetterFilter) -> Purge:
    """Remove dead letters from the list; the balance still counts their parts as dead.

    Raises:
        NotFoundError: there is no such run.
    """
    return Purge(await (await _replayer(engine, which)).purge(which))


async def _replayer(engine: Engine, which: DeadLetterFilter) -> DeadLetterReplayer:
    await engine.consistency.begin()
    runs = await engine.runs.runs()
    if which.run_id and which.run_id not in {run.run_id for run in runs}:
        raise NotFoundError(f"no run {which.run_id}; `sightline status` lists them")
    by_statements = {run.run_id for run in runs if not is_by_workers(run.request_json)}
    others = {run.run_id for run in runs} - by_statements
    return DeadLetterReplayer(
        engine.dead_letters,
        engine.publisher,
        now=utc_now,
        new_id=new_id,
        locations=engine.source.locations,
        by_statements=frozenset(by_statements),
        passed_by=frozenset() if _has_workers(engine) else frozenset(others | {""}),
    )


def _has_workers(engine: Engine) -> bool:
    return engine.settings.adapter("queue") != "work_list"
