"""Asks by statements: BigQuery calls the model itself, in a job that is found again by its name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from sightline.gcp.bigquery.place import BigQueryPlace
from sightline.gcp.sql.asking import (
    Asking,
    EmbedFunction,
    Function,
    Generate,
    GenerateEmbedding,
    GenerateText,
)
from sightline.gcp.sql.files import statement
from sightline.gcp.sql.images import Images
from sightline.gcp.sql.jobs import Jobs
from sightline.gcp.sql.pass_submitter import BatchPass
from sightline.gcp.sql.remote_models import ModelStore, RemoteModel, ensure
from sightline.gcp.sql.result_mappings import TaskVersion, task_of
from sightline.model import AnswerPart, EmbeddingPart, Part


@dataclass(frozen=True, slots=True)
class Functions:
    """Which of BigQuery's functions ask."""

    answers: Function = "AI.GENERATE_TEXT"
    embeddings: EmbedFunction = "AI.GENERATE_EMBEDDING"


class Askings(Protocol):
    """Knows the call by which each part is asked about."""

    async def prepare(self, part: Part) -> None:
        """Make what asking about a part needs, if it is not there."""
        ...

    async def of(self, part: Part) -> Asking:
        """Return the call.

        Raises:
            NotFoundError: its task is not known.
        """
        ...


class RemoteAskings:
    """Parts about which remote models are asked. ``define`` says what a model is to be."""

    def __init__(
        self,
        store: ModelStore,
        define: Callable[[Part], RemoteModel],
        task_version: TaskVersion,
        *,
        models: BigQueryPlace,
        functions: Functions,
    ) -> None:
        self._store = store
        self._define = define
        self._task_version = task_version
        self._models = models
        self._functions = functions

    async def prepare(self, part: Part) -> None:
        """Let the part's remote model be as it is to be; ``AI.GENERATE`` needs none."""
        if isinstance(part, AnswerPart) and self._functions.answers == "AI.GENERATE":
            return
        await ensure(self._store, self._define(part))

    async def of(self, part: Part) -> Asking:
        """See ``Askings``."""
        remote = self._define(part)
        model = self._models.table(remote.name)
        if isinstance(part, EmbeddingPart):
            return GenerateEmbedding(model, part.dimension, self._functions.embeddings)
        task = await task_of(part, self._task_version)
        if self._functions.answers == "AI.GENERATE":
            return Generate(task, remote.endpoint, remote.connection)
        return GenerateText(task, model, self._functions.answers)


class StatementSubmitter:
    """The port ``PassSubmitter`` over jobs of BigQuery."""

    def __init__(self, jobs: Jobs, askings: Askings, images: Images) -> None:
        self._jobs = jobs
        self._askings = askings
        self.images = images

    async def prepare(self, part: Part) -> None:
        """See ``PassSubmitter``."""
        await self._askings.prepare(part)

    async def ask(self, batch_pass: BatchPass) -> None:
        """See ``PassSubmitter``."""
        asking = await self._askings.of(batch_pass.batch.part)
        ask_statement = statement(
            "ask", asked=batch_pass.asked, said=asking.said(batch_pass.to_ask)
        )
        await self._jobs.run(
            batch_pass.name,
            ask_statement,
            {"pass": batch_pass.number},
            run_id=batch_pass.batch.run_id,
        )

    async def wait(self, batch_pass: BatchPass) -> bool:
        """See ``PassSubmitter``."""
        return await self._jobs.wait(batch_pass.name)

    async def clear(self, batch_name: str) -> None:
        """Do nothing: a job that is done is only history."""
