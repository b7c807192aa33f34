"""Finds images by words, by another image, or by answers and filters alone."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from sightline.errors import ConfigurationError, NotFoundError, PermanentError
from sightline.model import Filter
from sightline.operations.demo_model import stand_in_remark
from sightline.operations.image_queries import (
    ImageQuery,
    image_or_observation,
    image_query,
    no_observation,
)
from sightline.operations.selection import Emptied, check_asset_types, why_empty
from sightline.ports import AnswerFilter, Embedder, SearchHit, SearchPlan, SearchQuery, Warehouse
from sightline.settings import Settings
from sightline.suggestions import did_you_mean
from sightline.tasks import FieldSpec
from sightline.wiring.models import open_query_embedder
from sightline.wiring.tasks import known_tasks

CHANCE_SIGMAS = 2.0
"""Standard deviations of a random vector's cosine: at two, 98 of 100 images score below."""


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Hits, best first, and remarks on them.

    ``unknown_words`` are words of the query that the model does not know. ``emptied`` names the
    filter that left nothing. 98 of 100 images score at most ``chance_score`` against a random
    vector; it is ``None`` if no vectors are compared. ``model_remark`` is set if the model cannot
    read these images; ``notes`` are further remarks.
    """

    hits: Sequence[SearchHit]
    unknown_words: Sequence[str] = ()
    emptied: Emptied | None = None
    chance_score: float | None = None
    model_remark: str = ""
    notes: Sequence[str] = ()

    @property
    def below_chance(self) -> int:
        """How many hits score no higher than against a random vector."""
        chance = self.chance_score
        if chance is None:
            return 0
        return sum(hit.score is not None and hit.score <= chance for hit in self.hits)

    @property
    def remarks(self) -> Sequence[str]:
        """Remarks on the hits, one per line."""
        remarks = [*self.notes]
        if self.unknown_words:
            remarks.append(f"the model does not know: {', '.join(self.unknown_words)}")
        if self.emptied is not None:
            remarks.append(f"nothing is left: {self.emptied}")
        if self.below_chance:
            remarks.append(
                f"{self.below_chance:,} of {len(self.hits):,} hits score {self.chance_score:.3f} or"
                " less, as a random query does: they are probably not what was searched for"
            )
        if self.model_remark:
            remarks.append(self.model_remark)
        return remarks


async def search(
    warehouse: Warehouse,
    text: str | None = None,
    *,
    image: Path | None = None,
    top: int = 10,
    which: Filter | None = None,
    answers: Sequence[AnswerFilter] = (),
    named: str | None = None,
    details: bool = True,
) -> SearchResult:
    """Return the images most similar to words or an image, or the newest that pass.

    ``named`` is the name of the image in an error; for ``details`` see ``SearchQuery``.

    Raises:
        ConfigurationError: words and an image are given, or neither; the image cannot be read.
        NotFoundError: this model has no embeddings at this dimension.
    """
    check_query(text, image, answers, which)
    await check_asset_types(warehouse, which or Filter())
    vector, unknown = None, tuple[str, ...]()
    if image is not None:
        vector = await _image_vector(warehouse, image_query(image, named or str(image)))
    elif text is not None:
        vector, unknown = await _text_vector(warehouse, text)
    query = replace(_query(warehouse.settings, vector, top, which, answers), details=details)
    return await _result(warehouse, query, await warehouse.search.search(query), unknown)


def check_query(
    text: str | None,
    image: Path | None,
    answers: Sequence[object] = (),
    which: Filter | None = None,
) -> None:
    """Check that words or an image are given, or, without both, answers or another filter.

    Raises:
        ConfigurationError: words and an image are given, or nothing at all.
    """
    if text is not None and image is not None:
        raise ConfigurationError("search for words or for an image? give one of them")
    is_empty = text is not None and not text.strip()
    filtered = bool(answers) or which not in (None, Filter())
    if is_empty or (text is None and image is None and not filtered):
        raise ConfigurationError(
            "search for what? give words, --image FILE, --answer, or a filter such as --near"
        )


async def explain(
    warehouse: Warehouse,
    *,
    by_vector: bool,
    top: int = 10,
    which: Filter | None = None,
    answers: Sequence[AnswerFilter] = (),
) -> SearchPlan:
    """Return how a search would be executed; nothing is searched and no model is called."""
    await check_asset_types(warehouse, which or Filter())
    settings = warehouse.settings
    vector = _any_vector(settings) if by_vector else None
    return await warehouse.search.explain(_query(settings, vector, top, which, answers))


def _any_vector(settings: Settings) -> Sequence[float]:
    """Return a vector for explaining a search: the execution is the same for all vectors."""
    return [1.0] + [0.0] * (settings.models.embed_dimension - 1)


async def similar(
    warehouse: Warehouse,
    what: str,
    *,
    top: int = 10,
    which: Filter | None = None,
    answers: Sequence[AnswerFilter] = (),
    details: bool = True,
) -> SearchResult:
    """Return the images most similar to an image file or an observation, which itself is left out.

    For an observation its stored vector is used, so that no model is called.

    Raises:
        NotFoundError: there is no such file, or no vector of this observation.
    """
    await check_asset_types(warehouse, which or Filter())
    image = image_or_observation(what)
    if image is None:
        vector = await _observation_vector(warehouse, what)
        query = _query(warehouse.settings, vector, top, which, answers, leave_out=what)
        query = replace(query, details=details)
        return await _result(warehouse, query, await warehouse.search.search(query))
    vector = await _image_vector(warehouse, image)
    # A file that is in the collection would be its own best hit.
    query = _query(warehouse.settings, vector, top + 1, which, answers)
    hits = await warehouse.search.search(query)
    others = [hit for hit in hits if hit.observation.gcs_uri != image.uri][:top]
    return await _result(warehouse, query, others)


def answer_filters(texts: Sequence[str], settings: Settings) -> tuple[AnswerFilter, ...]:
    """Return the filters that texts such as ``road_signs.lighting=night`` stand for.

    Raises:
        ConfigurationError, NotFoundError: a text is malformed, or names something that no task has.
    """
    return tuple(_answer_filter(text, settings) for text in texts)


def _query(
    settings: Settings,
    vector: Sequence[float] | None,
    top: int,
    which: Filter | None,
    answers: Sequence[AnswerFilter],
    leave_out: str | None = None,
) -> SearchQuery:
    models = settings.models
    return SearchQuery(
        models.embed, models.embed_dimension, vector, top, which or Filter(), tuple(answers),
        leave_out=leave_out,
    )  # fmt: skip


async def _result(
    warehouse: Warehouse,
    query: SearchQuery,
    hits: Sequence[SearchHit],
    unknown_words: Sequence[str] = (),
) -> SearchResult:
    """Return the hits of a query with the remarks on them."""

    async def count(which: Filter, answers: Sequence[AnswerFilter]) -> int:
        counted = replace(query, filter=which, answers=tuple(answers))
        return (await warehouse.search.explain(counted)).allowed

    emptied = None
    if not hits and query.is_filtered:
        emptied = await why_empty(count, query.filter, query.answers)
    chance = None if query.vector is None else CHANCE_SIGMAS / math.sqrt(query.dimension)
    images = [hit.observation for hit in hits]
    return SearchResult(
        hits, unknown_words, emptied, chance, stand_in_remark(warehouse.settings, images)
    )


def _answer_filter(text: str, settings: Settings) -> AnswerFilter:
    name, equals, value = text.partition("=")
    task, dot, field = name.partition(".")
    if not (equals and dot and task and field and value):
        raise ConfigurationError(
            f"--answer {text!r} is not accepted; give one such as road_signs.condition=graffiti"
        )
    known = known_tasks(settings)
    if task not in known:
        raise NotFoundError(
            f"--answer {text!r}: no task {task!r}{did_you_mean(task, known)}; there are"
            f" {', '.join(known)}"
        )
    specs = {spec.name: spec for spec in known[task].fields}
    if field not in specs:
        meant = did_you_mean(field, specs)
        raise NotFoundError(
            f"--answer {text!r}: no such field{meant}; give one of {', '.join(specs)}"
        )
    accepted = _accepted(specs[field])
    if accepted and value.lower() not in accepted:
        meant = did_you_mean(value, accepted)
        raise NotFoundError(
            f"--answer {text!r}: no such value{meant}; give one of {', '.join(accepted)}"
        )
    return AnswerFilter(task, field, value.lower() if accepted else value)


def _accepted(field: FieldSpec) -> tuple[str, ...]:
    return ("true", "false") if field.type == "boolean" else field.values


async def _image_vector(warehouse: Warehouse, image: ImageQuery) -> Sequence[float]:
    async with _query_embedder(warehouse) as embedder:
        try:
            embedding = await embedder.embed_image(image.as_observation(), run_id="search")
        except PermanentError as error:
            raise image.refusal(error) from error
    return embedding.vector


async def _observation_vector(warehouse: Warehouse, observation_id: str) -> Sequence[float]:
    models = warehouse.settings.models
    try:
        return await warehouse.search.vector_of(
            observation_id, models.embed, models.embed_dimension
        )
    except NotFoundError as error:
        raise (no_observation(observation_id) or error) from error


async def _text_vector(warehouse: Warehouse, text: str) -> tuple[Sequence[float], tuple[str, ...]]:
    """Return the vector of words, and the words that the model does not know."""
    async with _query_embedder(warehouse) as embedder:
        embedding = await embedder.embed_text(text)
    if embedding.says_nothing:
        raise ConfigurationError(
            f"the model knows none of the words {text!r} for what an image shows; describe it"
            ' in other words, such as "a leaning wooden pole"'
        )
    return embedding.vector, tuple(embedding.unknown_words)


@asynccontextmanager
async def _query_embedder(warehouse: Warehouse) -> AsyncIterator[Embedder]:
    settings = warehouse.settings
    if settings.adapter("embed") != "local":  # a query without hits is paid for, too
        await warehouse.search.check(settings.models.embed, settings.models.embed_dimension)
    async with open_query_embedder(settings) as embedder:
        yield embedder
