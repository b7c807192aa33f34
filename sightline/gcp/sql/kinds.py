"""The two kinds of parts as statements need them: how each is asked, judged and written."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from sightline.errors import NotFoundError
from sightline.gcp.bigquery.client import Value
from sightline.gcp.bigquery.place import BigQueryPlace
from sightline.gcp.sql.asking import (
    Asking,
    EmbedFunction,
    Function,
    Generate,
    GenerateEmbedding,
    GenerateText,
)
from sightline.gcp.sql.judging import GEMINI, judged_answers, judged_vectors
from sightline.gcp.sql.remote_models import ModelStore, RemoteModel, ensure
from sightline.model import AnswerPart, EmbeddingPart, Part
from sightline.prices import Price, embedding_usage
from sightline.schema import CLASSIFICATIONS, Ledger, embeddings_ledger
from sightline.tasks import TaskSpec

ANSWER = (
    "@task, @fingerprint, @model, SAFE.PARSE_JSON(judged.answer, wide_number_mode => 'round'),"
    f" {GEMINI.ending}"
)
"""The columns of an answer, out of what was judged."""

# IEEE_DIVIDE, since the emulator's / yields 0 here.
VECTOR = (
    "@model, @dimension, ARRAY(SELECT IEEE_DIVIDE(number, judged.norm)"
    " FROM UNNEST(judged.vector) AS number WITH OFFSET AS place ORDER BY place)"
)
"""The columns of a vector, at unit length."""


@dataclass(frozen=True, slots=True)
class Kind:
    """How a part is asked about, judged and written: ``result`` is SQL for its own columns."""

    asking: Asking
    judged: Callable[[str], str]
    result: str
    table: str
    ledger: Ledger
    values: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Functions:
    """Which of BigQuery's functions ask."""

    answers: Function = "AI.GENERATE_TEXT"
    embeddings: EmbedFunction = "AI.GENERATE_EMBEDDING"


class Kinds(Protocol):
    """Knows how each part is worked off."""

    async def prepare(self, part: Part) -> None:
        """Make what asking about a part needs, if it is not there."""
        ...

    async def of(self, part: Part) -> Kind:
        """Return how a part is asked about, judged and written.

        Raises:
            NotFoundError: its task is not known.
        """
        ...


class RemoteKinds:
    """Parts about which remote models are asked. ``define`` says what a model is to be."""

    def __init__(
        self,
        store: ModelStore,
        define: Callable[[Part], RemoteModel],
        task_version: Callable[[str], Awaitable[TaskSpec | None]],
        price_of: Callable[[str], Price | None],
        *,
        place: BigQueryPlace,
        models: BigQueryPlace,
        functions: Functions,
        answers_at: str,
        embeddings_at: str,
    ) -> None:
        self._store = store
        self._define = define
        self._task_version = task_version
        self._price_of = price_of
        self._place = place
        self._models = models
        self._functions = functions
        self._answers_at = answers_at
        self._embeddings_at = embeddings_at

    async def prepare(self, part: Part) -> None:
        """Let the part's remote model be as it is to be; ``AI.GENERATE`` needs none."""
        if isinstance(part, AnswerPart) and self._functions.answers == "AI.GENERATE":
            return
        await ensure(self._store, self._define(part))

    async def of(self, part: Part) -> Kind:
        """See ``Kinds``."""
        if isinstance(part, EmbeddingPart):
            return self._of_embedding(part)
        task = await self._task_version(part.fingerprint)
        if task is None:
            raise NotFoundError(
                f"task {part.task} at {part.fingerprint[:12]} is in no ledger; run `sightline tasks"
                " apply`, then `sightline enqueue`"
            )
        return self._of_answer(part, task)

    def _of_answer(self, part: AnswerPart, task: TaskSpec) -> Kind:
        remote = self._define(part)
        asking: Asking
        if self._functions.answers == "AI.GENERATE":
            asking = Generate(task, remote.endpoint, remote.connection)
        else:
            model = self._models.table(remote.name)
            asking = GenerateText(task, model, self._functions.answers)
        price = self._price_of(part.model)
        return Kind(
            asking,
            lambda asked: judged_answers(asked, task, price, location=self._answers_at),
            ANSWER,
            self._place.table(CLASSIFICATIONS.name),
            CLASSIFICATIONS,
            {"task": part.task, "fingerprint": part.fingerprint, "model": part.model},
        )

    def _of_embedding(self, part: EmbeddingPart) -> Kind:
        remote = self._define(part)
        ledger = embeddings_ledger(part.model, part.dimension)
        usage = embedding_usage(self._price_of(part.model), location=self._embeddings_at)
        return Kind(
            GenerateEmbedding(
                self._models.table(remote.name),
                part.dimension,
                self._functions.embeddings,
            ),
            lambda asked: judged_vectors(
                asked,
                part.dimension,
                tokens=usage.input_tokens,
                cost_usd_micros=usage.cost_usd_micros,
            ),
            VECTOR,
            self._place.table(ledger.name),
            ledger,
            {"model": part.model, "dimension": part.dimension},
        )
