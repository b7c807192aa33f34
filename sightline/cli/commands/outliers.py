"""``sightline outliers``: answers that disagree with those about the images most like theirs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from heapq import nsmallest
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sightline.cli.options import AsJson, AssetType, Box, Near, Polygon, Since, Until, filter_of
from sightline.cli.output import print_json, print_table, progress_bar, remark, say
from sightline.cli.state import State

if TYPE_CHECKING:
    from sightline.analysis.consolidation import Value
    from sightline.cli.gathered_vectors import Gathered
    from sightline.model import Filter
    from sightline.settings import Settings
    from sightline.tasks import FieldSpec, TaskSpec

MORE = 4
"""Times as many neighbours are looked up as vote, since some do not know the field."""

Known = Mapping[str, Sequence["Value | None"]]


def outliers(
    context: typer.Context,
    task: Annotated[str | None, typer.Argument(help="A task; needed where several are.")] = None,
    field: Annotated[
        list[str] | None,
        typer.Option(help="Only this field; may be repeated. Without it all that can be equal."),
    ] = None,
    neighbours: Annotated[
        int, typer.Option(help="Nearest images that vote on an answer.", min=1, max=1000)
    ] = 10,
    at_least: Annotated[
        float, typer.Option(help="Only answers with this score, from 0 to 1.", min=0, max=1)
    ] = 0.5,
    top: Annotated[int, typer.Option(help="Answers that are shown.", min=1, max=10_000)] = 20,
    asset_type: AssetType = None,
    since: Since = None,
    until: Until = None,
    box: Box = None,
    near: Near = None,
    polygon: Polygon = None,
    as_json: AsJson = False,
) -> None:
    """Find answers that disagree with those about the most similar images, for review.

    Example: sightline outliers road_signs --field sign_type --top 50
    """
    import asyncio

    which = filter_of(asset_type, since, until, box, near, polygon)
    state: State = context.obj
    state.must_exist()
    found = asyncio.run(
        _outliers(state.settings(), task, which, field or [], neighbours, at_least, top)
    )
    print_json(found) if as_json else _print(found)


def chosen_fields(task: TaskSpec, names: Sequence[str]) -> list[FieldSpec]:
    """Return the fields that are meant, or all whose values can be equal.

    Raises:
        NotFoundError: the task has no such field, or none that can be compared.
        ConfigurationError: its values cannot be equal.
    """
    from sightline.analysis.outliers import COMPARED
    from sightline.errors import ConfigurationError, NotFoundError

    can = {one.name: one for one in task.fields if one.type in COMPARED}
    others = f"give one of {', '.join(can)}" if can else "give another task"
    for name in names:
        if name in can:
            continue
        if name in {one.name for one in task.fields}:
            kinds = ", ".join(COMPARED)
            raise ConfigurationError(f"--field {name} is none of {kinds}; {others}")
        raise NotFoundError(f"{task.name} has no field {name!r}; {others}")
    if not can:
        raise NotFoundError(f"no field of {task.name} can be compared; {others}")
    return [can[name] for name in dict.fromkeys(names)] if names else list(can.values())


async def _outliers(
    settings: Settings,
    name: str | None,
    which: Filter,
    names: Sequence[str],
    neighbours: int,
    at_least: float,
    top: int,
) -> dict[str, Any]:
    from sightline.analysis.consolidation import known_value
    from sightline.cli.by_asset import asked, each_page
    from sightline.cli.gathered_vectors import gathered_vectors
    from sightline.errors import ConfigurationError
    from sightline.ports import VectorQuery
    from sightline.wiring import open_warehouse

    async with open_warehouse(settings) as warehouse:
        query, total = await asked(settings, warehouse.answers, name, which)
        fields = chosen_fields(query.task, names)
        if query.task.multi_observation:
            raise ConfigurationError(
                f"{query.task.name} looks at all images of an asset together, and an asset has no"
                " vector of its own; give a task about single images"
            )
        known: dict[str, tuple[Value | None, ...]] = {}

        def take(page: Sequence[Any]) -> None:
            for row in page:
                known[row.subject_id] = tuple(known_value(one, row.answer) for one in fields)

        space = VectorQuery(settings.models.embed, settings.models.embed_dimension, which)
        await warehouse.vectors.count(space)  # before the answers are read for nothing
        await each_page(warehouse.answers, query, total, take)
        async with gathered_vectors(
            warehouse.vectors, space, lambda one: one.observation_id in known
        ) as gathered:
            if len(gathered.images) < 2:
                raise ConfigurationError(
                    f"{len(gathered.images)} of {len(known):,} answered images have a vector by"
                    f" {space.model}, and it takes two to disagree; run `sightline enqueue` and"
                    " `sightline work`"
                )
            names = [one.name for one in fields]
            counts, found = _compared(gathered, known, names, neighbours, at_least, top)
            return {
                "task": query.task.name,
                "fingerprint": query.task.fingerprint,
                "embedded_by": space.model,
                "answers": len(known),
                "without_vector": len(known) - len(gathered.images),
                "neighbours": neighbours,
                "at_least": at_least,
                "fields": [
                    {
                        "field": one.name,
                        "known": sum(known[image.observation_id][n] is not None
                                     for image in gathered.images),
                        "outliers": counts[one.name],
                    }
                    for n, one in enumerate(fields)
                ],
                "outliers": found,
            }  # fmt: skip


def _compared(
    gathered: Gathered,
    known: Known,
    fields: Sequence[str],
    count: int,
    at_least: float,
    top: int,
) -> tuple[Counter[str], list[dict[str, Any]]]:
    """Return how many outliers each field has, and the surest of all, each with its neighbours."""
    from sightline.analysis.nearness import nearest_others
    from sightline.analysis.outliers import Neighbour, disagreement

    images = gathered.images
    fewest = -(-min(count, len(images) - 1) // 2)
    counts, found = Counter[str](), list[dict[str, Any]]()
    with progress_bar("comparing", None) as update:
        for block in nearest_others(gathered.vectors, MORE * count, on_block=update):
            pairs = zip(block.rows.tolist(), block.cosines.tolist(), strict=True)
            for place, (rows, cosines) in enumerate(pairs, block.start):
                own = known[images[place].observation_id]
                for n, name in enumerate(fields):
                    if own[n] is None:
                        continue
                    others = [
                        Neighbour(who, round(cosine, 5), known[who][n])
                        for who, cosine in zip(
                            (images[row].observation_id for row in rows), cosines, strict=True
                        )
                    ]
                    odd = disagreement(own[n], others, count=count, fewest=fewest)
                    if odd is not None and odd.score >= at_least:
                        counts[name] += 1
                        found.append(_json(images[place], name, odd))
            if len(found) > 2 * top:
                found = nsmallest(top, found, key=_surest_first)
    return counts, nsmallest(top, found, key=_surest_first)


def _surest_first(one: Mapping[str, Any]) -> tuple[float, str, str]:
    return -one["score"], one["observation_id"], one["field"]


def _json(image: Any, field: str, odd: Any) -> dict[str, Any]:
    return {
        "observation_id": image.observation_id,
        "asset_id": image.asset_id,
        "gcs_uri": image.gcs_uri,
        "latitude": image.latitude,
        "longitude": image.longitude,
        "field": field,
        "value": odd.value,
        "expected": odd.expected,
        "score": round(odd.score, 4),
        "neighbours": [
            {"observation_id": one.subject_id, "value": one.value, "similarity": one.cosine}
            for one in odd.neighbours
        ],
    }


def _print(found: dict[str, Any]) -> None:
    compared = found["answers"] - found["without_vector"]
    say(f"{found['task']}: {compared:,} answers compared with those about similar images")
    print_table(
        "", ("field", "known", "outliers"),
        [(one["field"], one["known"], one["outliers"]) for one in found["fields"]],
    )  # fmt: skip
    lines = [
        (
            one["score"], one["observation_id"], one["field"], _text(one["value"]),
            _text(one["expected"]), _votes(one), one["neighbours"][0]["observation_id"],
        )
        for one in found["outliers"]
    ]  # fmt: skip
    if lines:
        columns = ("score", "observation", "field", "answered", "neighbours", "votes", "nearest")
        print_table("to be reviewed, the surest first", columns, lines)
    if found["without_vector"]:
        remark(
            f"{found['without_vector']:,} answers are about images without a vector by"
            f" {found['embedded_by']}; run `sightline enqueue` and `sightline work`"
        )


def _votes(one: Mapping[str, Any]) -> str:
    voters = one["neighbours"]
    return f"{sum(some['value'] == one['expected'] for some in voters)} of {len(voters)}"


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
