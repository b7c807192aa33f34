"""Submits a pass as a statement: BigQuery itself calls the model, in a named job."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from sightline.gcp.bigquery.place import BigQueryPlace
from sightline.gcp.sql.files import statement
from sightline.gcp.sql.images import Images
from sightline.gcp.sql.jobs import Jobs
from sightline.gcp.sql.model_calls import (
    EmbedFunction,
    Function,
    Generate,
    GenerateEmbedding,
    GenerateText,
    ModelCall,
)
from sightline.gcp.sql.pass_submitter import BatchPass
from sightline.gcp.sql.remote_models import ModelStore, RemoteModel, ensure
from sightline.gcp.sql.result_mappings import TaskVersion, task_of
from sightline.model import AnswerPart, EmbeddingPart, Part


@dataclass(frozen=True, slots=True)
class Functions:
    """The BigQuery functions that call models."""

    answers: Function = "AI.GENERATE_TEXT"
    embeddings: EmbedFunction = "AI.GENERATE_EMBEDDING"


class ModelCalls(Protocol):
    """Returns the model call for each part."""

    async def prepare(self, part: Part) -> None:
        """Create what the call about a part needs, if it does not exist."""
        ...

    async def of(self, part: Part) -> ModelCall:
        """Return the call.

        Raises:
            NotFoundError: no ledger holds the part's task.
        """
        ...


class RemoteModelCalls:
    """Calls of remote models; ``define`` returns the definition of a part's remote model."""

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
        """Create or update the part's remote model; ``AI.GENERATE`` needs none."""
        if isinstance(part, AnswerPart) and self._functions.answers == "AI.GENERATE":
            return
        await ensure(self._store, self._define(part))

    async def of(self, part: Part) -> ModelCall:
        """See ``ModelCalls``."""
        remote = self._define(part)
        model = self._models.table(remote.name)
        if isinstance(part, EmbeddingPart):
            return GenerateEmbedding(model, part.dimension, self._functions.embeddings)
        task = await task_of(part, self._task_version)
        if self._functions.answers == "AI.GENERATE":
            return Generate(task, remote.endpoint, remote.connection)
        return GenerateText(task, model, self._functions.answers)


class StatementSubmitter:
    """Implements ``PassSubmitter`` with BigQuery jobs."""

    def __init__(self, jobs: Jobs, model_calls: ModelCalls, images: Images) -> None:
        self._jobs = jobs
        self._model_calls = model_calls
        self.images = images

    async def prepare(self, part: Part) -> None:
        """See ``PassSubmitter``."""
        await self._model_calls.prepare(part)

    async def ask(self, batch_pass: BatchPass) -> None:
        """See ``PassSubmitter``."""
        model_call = await self._model_calls.of(batch_pass.batch.part)
        ask_statement = statement(
            "ask",
            responses_table=batch_pass.responses_table,
            responses=model_call.responses(batch_pass.chosen_table),
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
        """Do nothing: a BigQuery job leaves no files."""
