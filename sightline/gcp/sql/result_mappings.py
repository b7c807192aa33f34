"""How statements judge and write the two kinds of parts: answers and embeddings."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from sightline.errors import NotFoundError
from sightline.gcp.bigquery.client import Value
from sightline.gcp.bigquery.place import BigQueryPlace
from sightline.gcp.sql.judging import GEMINI, judged_answers, judged_vectors
from sightline.model import AnswerPart, EmbeddingPart, Part
from sightline.prices import Price, embedding_usage
from sightline.schema import CLASSIFICATIONS, Ledger, embeddings_ledger
from sightline.tasks import TaskSpec

TaskVersion = Callable[[str], Awaitable[TaskSpec | None]]
"""Returns the task of a fingerprint, or None if no ledger holds it."""

ANSWER = (
    "@task, @fingerprint, @model, SAFE.PARSE_JSON(judged.answer, wide_number_mode => 'round'),"
    f" {GEMINI.ending}"
)
"""The columns of an answer, from a judged response."""

# IEEE_DIVIDE, since the emulator's / yields 0 here.
VECTOR = (
    "@model, @dimension, ARRAY(SELECT IEEE_DIVIDE(number, judged.norm)"
    " FROM UNNEST(judged.vector) AS number WITH OFFSET AS place ORDER BY place)"
)
"""The columns of a vector, scaled to unit length."""


@dataclass(frozen=True, slots=True)
class ResultMapping:
    """How the responses about a part are judged and written; ``result`` is SQL for the columns."""

    judged: Callable[[str], str]
    result: str
    table: str
    ledger: Ledger
    values: Mapping[str, Value]


class ResultMappings:
    """Knows how each part is judged and written."""

    def __init__(
        self,
        task_version: TaskVersion,
        price_of: Callable[[str], Price | None],
        *,
        place: BigQueryPlace,
        answers_at: str,
        embeddings_at: str,
    ) -> None:
        self._task_version = task_version
        self._price_of = price_of
        self._place = place
        self._answers_at = answers_at
        self._embeddings_at = embeddings_at

    async def of(self, part: Part) -> ResultMapping:
        """Return how a part is judged and written.

        Raises:
            NotFoundError: no ledger holds its task.
        """
        if isinstance(part, EmbeddingPart):
            return self._of_embedding(part)
        return self._of_answer(part, await task_of(part, self._task_version))

    def _of_answer(self, part: AnswerPart, task: TaskSpec) -> ResultMapping:
        price = self._price_of(part.model)
        return ResultMapping(
            lambda table: judged_answers(table, task, price, location=self._answers_at),
            ANSWER,
            self._place.table(CLASSIFICATIONS.name),
            CLASSIFICATIONS,
            {"task": part.task, "fingerprint": part.fingerprint, "model": part.model},
        )

    def _of_embedding(self, part: EmbeddingPart) -> ResultMapping:
        ledger = embeddings_ledger(part.model, part.dimension)
        usage = embedding_usage(self._price_of(part.model), location=self._embeddings_at)
        return ResultMapping(
            lambda table: judged_vectors(
                table,
                part.dimension,
                tokens=usage.input_tokens,
                cost_usd_micros=usage.cost_usd_micros,
            ),
            VECTOR,
            self._place.table(ledger.name),
            ledger,
            {"model": part.model, "dimension": part.dimension},
        )


async def task_of(part: AnswerPart, task_version: TaskVersion) -> TaskSpec:
    """Return the task of a part.

    Raises:
        NotFoundError: no ledger holds it.
    """
    task = await task_version(part.fingerprint)
    if task is None:
        raise NotFoundError(
            f"task {part.task} at {part.fingerprint[:12]} is in no ledger; run `sightline tasks"
            " apply`, then `sightline enqueue`"
        )
    return task
