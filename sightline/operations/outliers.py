"""Finds answers that disagree with those about the most similar images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import nsmallest

from sightline.analysis.consolidation import Value, known_value
from sightline.analysis.nearness import nearest_others
from sightline.analysis.outliers import Disagreement, Neighbour, disagreement
from sightline.errors import ConfigurationError, NotFoundError
from sightline.model import Filter
from sightline.operations.reading.answers_by_asset import each_page, selected_answers
from sightline.operations.reading.gathered_vectors import GatheredVectors, gathered_vectors
from sightline.ports import AnswerRow, EmbeddedImage, VectorQuery, Warehouse
from sightline.progress import Progress, no_progress
from sightline.suggestions import did_you_mean
from sightline.tasks import DISCRETE, FieldSpec, TaskSpec

MORE = 4
"""How many times as many neighbours are looked up as vote, since some lack the field."""

KnownValues = Mapping[str, Sequence[Value | None]]
"""The value of each field, by observation."""


@dataclass(frozen=True, slots=True)
class Outlier:
    """An answer about an image that its neighbours contradict."""

    image: EmbeddedImage
    field: str
    disagreement: Disagreement


@dataclass(frozen=True, slots=True)
class FieldOutliers:
    """How many answers give a field, and how many of them are outliers."""

    field: str
    known: int
    outliers: int


@dataclass(frozen=True, slots=True)
class Outliers:
    """Answers for review, most certain first; ``embedded_by`` is the model of the vectors."""

    task: TaskSpec
    embedded_by: str
    answers: int
    without_vector: int
    neighbours: int
    at_least: float
    fields: Sequence[FieldOutliers]
    outliers: Sequence[Outlier]


async def outliers(
    warehouse: Warehouse,
    task: str | None = None,
    *,
    which: Filter | None = None,
    fields: Sequence[str] = (),
    neighbours: int = 10,
    at_least: float = 0.5,
    top: int = 20,
    progress: Progress = no_progress,
) -> Outliers:
    """Find answers that disagree with those about the most similar images, for review.

    The nearest ``neighbours`` images vote on each answer; ``at_least`` is the lowest score, 0 to 1.

    Raises:
        NotFoundError: there is no such task, field, answer or vector.
        ConfigurationError: the field's values cannot be compared, or the task is about assets.
    """
    models = warehouse.settings.models
    query, total = await selected_answers(warehouse, task, which or Filter())
    compared_fields = comparable_fields(query.task, fields)
    if query.task.multi_observation:
        raise ConfigurationError(
            f"{query.task.name} looks at all images of an asset together, and an asset has no"
            " vector of its own; give a task about single images"
        )
    known: dict[str, tuple[Value | None, ...]] = {}

    def take(page: Sequence[AnswerRow]) -> None:
        for row in page:
            known[row.subject_id] = tuple(
                known_value(field, row.answer) for field in compared_fields
            )

    space = VectorQuery(models.embed, models.embed_dimension, which or Filter())
    await warehouse.vectors.count(space)  # checked before the answers are read
    await each_page(warehouse.answers, query, total, take, progress)
    async with gathered_vectors(
        warehouse.vectors, space, progress, keep=lambda image: image.observation_id in known
    ) as gathered:
        if len(gathered.images) < 2:
            raise ConfigurationError(
                f"{len(gathered.images)} of {len(known):,} answered images have a vector by"
                f" {space.model}, and it takes two to disagree; run `sightline enqueue` and"
                " `sightline work`"
            )
        names = [field.name for field in compared_fields]
        counts, surest = _compare(gathered, known, names, neighbours, at_least, top, progress)
        return Outliers(
            task=query.task,
            embedded_by=space.model,
            answers=len(known),
            without_vector=len(known) - len(gathered.images),
            neighbours=neighbours,
            at_least=at_least,
            fields=[
                FieldOutliers(
                    name,
                    sum(known[image.observation_id][n] is not None for image in gathered.images),
                    counts[name],
                )
                for n, name in enumerate(names)
            ],
            outliers=surest,
        )


def comparable_fields(task: TaskSpec, names: Sequence[str]) -> list[FieldSpec]:
    """Return the requested fields, or all whose values can be compared.

    Raises:
        NotFoundError: the task has no such field, or none that can be compared.
        ConfigurationError: its values cannot be compared.
    """
    comparable = {field.name: field for field in task.fields if field.type in DISCRETE}
    others = f"give one of {', '.join(comparable)}" if comparable else "give another task"
    for name in names:
        if name in comparable:
            continue
        if name in {field.name for field in task.fields}:
            *kinds, last_kind = DISCRETE
            raise ConfigurationError(
                f"--field {name} is not of type {', '.join(kinds)} or {last_kind}; {others}"
            )
        raise NotFoundError(
            f"{task.name} has no field {name!r}{did_you_mean(name, comparable)}; {others}"
        )
    if not comparable:
        raise NotFoundError(f"no field of {task.name} can be compared; {others}")
    return (
        [comparable[name] for name in dict.fromkeys(names)] if names else list(comparable.values())
    )


def _compare(
    gathered: GatheredVectors,
    known: KnownValues,
    fields: Sequence[str],
    count: int,
    at_least: float,
    top: int,
    progress: Progress,
) -> tuple[Counter[str], list[Outlier]]:
    """Return the number of outliers of each field, and the most certain of all."""
    images = gathered.images
    fewest = -(-min(count, len(images) - 1) // 2)
    counts, surest = Counter[str](), list[Outlier]()
    with progress("comparing", None) as update:
        for block in nearest_others(gathered.vectors, MORE * count, on_block=update):
            pairs = zip(block.rows.tolist(), block.cosines.tolist(), strict=True)
            for place, (rows, cosines) in enumerate(pairs, block.start):
                others = list(zip((images[row].observation_id for row in rows), cosines,
                                  strict=True))  # fmt: skip
                for n, name in enumerate(fields):
                    odd = disagreement(
                        known[images[place].observation_id][n],
                        [Neighbour(who, round(cosine, 5), known[who][n])
                         for who, cosine in others],
                        count=count,
                        fewest=fewest,
                    )  # fmt: skip
                    if odd is not None and odd.score >= at_least:
                        counts[name] += 1
                        surest.append(Outlier(images[place], name, odd))
            if len(surest) > 2 * top:
                surest = nsmallest(top, surest, key=_surest_first)
    return counts, nsmallest(top, surest, key=_surest_first)


def _surest_first(outlier: Outlier) -> tuple[float, str, str]:
    score = round(outlier.disagreement.score, 4)
    return -score, outlier.image.observation_id, outlier.field
