"""Checks filters against the data: which asset types exist, and which filter leaves nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sightline.errors import ConfigurationError, NotFoundError
from sightline.geodata.polygons import exchanged, parse_polygon
from sightline.model import BoundingBox, Filter, Radius, RunRequest, asset_class, asset_name
from sightline.ports import AnswerFilter, Warehouse
from sightline.settings import Settings
from sightline.suggestions import did_you_mean
from sightline.wiring.tasks import known_tasks

UNSPECIFIED = asset_class("unspecified")
_EVERYWHERE = BoundingBox(-180, -90, 180, 90)
_ALWAYS = datetime(1, 1, 2, tzinfo=UTC)

Count = Callable[[Filter, Sequence[AnswerFilter]], Awaitable[int]]
"""Counts what matches a filter and has these answers."""


@dataclass(frozen=True, slots=True)
class FilterStep:
    """One filter, as an option: how many match it ``alone``, and how many are ``left`` after it."""

    option: str
    alone: int
    left: int


@dataclass(frozen=True, slots=True)
class Emptied:
    """Why nothing matches: ``steps`` are the filters up to the first that leaves nothing.

    ``total`` is the number without a filter. ``remark`` adds a cause that no filter shows, such as
    missing positions.
    """

    total: int
    steps: Sequence[FilterStep]
    remark: str = ""

    def __str__(self) -> str:
        if not self.steps:
            return "nothing is there yet" if not self.total else f"none of {self.total:,} is left"
        *before, last = self.steps
        if not last.alone or not before:
            text = f"of {self.total:,}, none pass {last.option}"
        else:
            others = " and ".join(step.option for step in before)
            text = (
                f"of {self.total:,}, {before[-1].left:,} pass {others}, and none of these pass"
                f" {last.option}, which {last.alone:,} others pass"
            )
        return text + (f" ({self.remark})" if self.remark else "")


def new_asset_type(settings: Settings, name: str | None, *, is_new: bool) -> str | None:
    """Return the asset type of an import, as the dataset spells it.

    Raises:
        ConfigurationError: no task is bound to it, and it is not a valid new type, or a task is
            invalid, which is found before anything is imported.
    """
    known = bound_types(settings)
    if name is None:
        if is_new:
            raise ConfigurationError("--new-type needs a type; give --asset-type, too")
        return None
    asset_type = asset_class(name)
    if not name.strip():
        raise ConfigurationError("--asset-type is empty; give one such as road_sign")
    if asset_type not in known and not is_new:
        raise ConfigurationError(
            f"--asset-type {name}: {_unknown(asset_type, known)}, or add --new-type for a type of"
            " your own"
        )
    return asset_type


async def check_asset_types(
    warehouse: Warehouse, which: Filter, *, of_source: bool = False
) -> None:
    """Check that the asset types of a filter are bound to tasks, or exist in the data.

    The enqueued observations are checked or, with ``of_source``, all observations.

    Raises:
        NotFoundError: an asset type is unknown; the error lists the known ones.
    """
    bound = bound_types(warehouse.settings)
    unknown = [name for name in which.asset_types if name not in bound]
    if not unknown:
        return
    if of_source:
        existing = [name for name, _ in await types_in_source(warehouse, Filter())]
    else:
        existing = [row.asset_type for row in await warehouse.answers.coverage(Filter(), None)]
    for name in unknown:
        if name not in existing:
            raise NotFoundError(f"--asset-type: {_unknown(name, {*bound, *existing})}")


def bound_types(settings: Settings) -> frozenset[str]:
    """Return the asset types that tasks are bound to, and that of unspecified observations.

    Raises:
        ConfigurationError: a task is invalid; it might name any type.
    """
    try:
        tasks = known_tasks(settings).values()
    except ConfigurationError as error:
        raise ConfigurationError(f"the tasks name the asset types: {error}") from error
    return frozenset(name for task in tasks for name in task.asset_types) | {UNSPECIFIED}


def _unknown(asset_type: str, known: Iterable[str]) -> str:
    name, names = asset_name(asset_type), sorted(map(asset_name, filter(None, known)))
    return (
        f"there is no asset type {name}{did_you_mean(name, names)}; give one of {', '.join(names)}"
    )


async def types_in_source(warehouse: Warehouse, which: Filter) -> Sequence[tuple[str, int]]:
    """Return the asset types of the matching observations, each with its number."""
    preview = await warehouse.source.preview(RunRequest(replace(which, limit=None), ()))
    return preview.by_asset_type


async def why_no_observations(warehouse: Warehouse, which: Filter) -> Emptied:
    """Return which filter leaves no observation of the source.

    Raises:
        ConfigurationError: latitude and longitude of a place are exchanged.
    """

    async def count(which: Filter, _answers: object) -> int:
        return sum(number for _, number in await types_in_source(warehouse, which))

    return await why_empty(count, which)


async def why_empty(count: Count, which: Filter, answers: Sequence[AnswerFilter] = ()) -> Emptied:
    """Return the first filter that leaves nothing; all filters together leave nothing.

    Raises:
        ConfigurationError: latitude and longitude of a place are exchanged.
    """
    total = await count(Filter(), ())
    passed, passed_answers = Filter(), tuple[AnswerFilter, ...]()
    steps: list[FilterStep] = []
    for option, alone in _options(which):
        passed = _both(passed, alone)
        step = FilterStep(option, await count(alone, ()), await count(passed, ()))
        steps.append(step)
        if not step.left:
            await _check_not_exchanged(count, alone, option)
            return Emptied(total, steps, await _remark(count, alone, total))
    for wanted in answers:
        passed_answers = (*passed_answers, wanted)
        option = f"--answer {wanted.task}.{wanted.field}={wanted.value}"
        step = FilterStep(
            option, await count(Filter(), (wanted,)), await count(passed, passed_answers)
        )
        steps.append(step)
        if not step.left:
            break
    return Emptied(total, steps)


def _options(which: Filter) -> Iterable[tuple[str, Filter]]:
    """Yield each condition of a filter, as an option and as its own filter."""
    if which.asset_types:
        names = (f"--asset-type {asset_name(name)}" for name in which.asset_types)
        yield " ".join(names), Filter(asset_types=which.asset_types)
    if which.captured_from is not None:
        yield f"--from {which.captured_from.isoformat()}", Filter(captured_from=which.captured_from)
    if which.captured_until is not None:
        option = f"--until {which.captured_until.isoformat()}"
        yield option, Filter(captured_until=which.captured_until)
    if which.box is not None:
        box = which.box
        option = f"--box {box.west:g},{box.south:g},{box.east:g},{box.north:g}"
        yield option, Filter(box=box)
    if which.radius is not None:
        near = which.radius
        option = f"--near {near.latitude:g},{near.longitude:g},{near.radius_m:g}"
        yield option, Filter(radius=near)
    if which.polygon_wkt is not None:
        option = f"--polygon {which.polygon_file}".rstrip()
        yield option, Filter(polygon_wkt=which.polygon_wkt)


def _both(left: Filter, right: Filter) -> Filter:
    """Return a filter with the conditions of both; one sets only what the other does not."""
    names = Filter.__dataclass_fields__
    return Filter(**{name: getattr(right, name) or getattr(left, name) for name in names})


async def _check_not_exchanged(count: Count, alone: Filter, option: str) -> None:
    other = _exchanged(alone)
    if other is not None and not await count(alone, ()) and (n := await count(other, ())):
        order = (
            "WEST,SOUTH,EAST,NORTH" if alone.box
            else "LAT,LON,METRES" if alone.radius
            else "longitude before latitude in the file (RFC 7946, 3.1.1)"
        )  # fmt: skip
        raise ConfigurationError(
            f"{option}: latitude and longitude are exchanged: no image is there, and {n:,} are"
            f" where they are the other way round; give {order}"
        )


def _exchanged(which: Filter) -> Filter | None:
    """Return the place with latitude and longitude exchanged; ``None`` if that is invalid."""
    if (box := which.box) is not None and -90 <= box.west <= box.east <= 90:
        return Filter(box=BoundingBox(box.south, box.west, box.north, box.east))
    if (near := which.radius) is not None and abs(near.longitude) <= 90:
        return Filter(radius=Radius(near.longitude, near.latitude, near.radius_m))
    if which.polygon_wkt is not None:
        area = exchanged(parse_polygon(which.polygon_wkt))
        return None if area is None else Filter(polygon_wkt=area.wkt)
    return None


async def _remark(count: Count, alone: Filter, total: int) -> str:
    """Return how many observations lack the position or time that a filter needs."""
    if alone.box or alone.radius or alone.polygon_wkt:
        lacking, what = total - await count(Filter(box=_EVERYWHERE), ()), "position"
    elif alone.captured_from or alone.captured_until:
        lacking, what = total - await count(Filter(captured_from=_ALWAYS), ()), "capture time"
    else:
        return ""
    return f"{lacking:,} have no {what}" if lacking else ""
