"""The model call within a statement: one class for each of BigQuery's functions.

Each class builds a query of the same columns: ``part_key, status, answer, response, vector``. The
images come first and the prompt follows, and all parameters of the task are passed, as in the
workers' requests: an answer belongs to the task's fingerprint, whichever engine asked.
``AI.GENERATE_TABLE`` is not supported, since it accepts neither a media resolution, nor a seed, nor
a list of accepted values.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal, Protocol

from sightline.errors import ConfigurationError
from sightline.gcp.bigquery.literals import quoted
from sightline.gcp.gemini.question import config_of
from sightline.tasks import TaskSpec

Function = Literal["AI.GENERATE_TEXT", "AI.GENERATE", "ML.GENERATE_TEXT"]
EmbedFunction = Literal["AI.GENERATE_EMBEDDING", "ML.GENERATE_EMBEDDING"]


class ModelCall(Protocol):
    """Asks a model about the rows of a table."""

    def responses(self, chosen_table: str) -> str:
        """Return the query of the responses about the rows (``part_key, images``) of a table."""
        ...


@dataclass(frozen=True, slots=True)
class GenerateText:
    """``AI.GENERATE_TEXT`` or the older ``ML.GENERATE_TEXT``, with a remote model."""

    task: TaskSpec
    model: str
    function: Function = "AI.GENERATE_TEXT"

    def responses(self, chosen_table: str) -> str:
        """See ``ModelCall``."""
        rows = (
            f"SELECT part_key, STRUCT(images, {quoted(self.task.prompt)} AS question) AS prompt"  # noqa: S608 - quoted
            f" FROM {chosen_table}"
        )
        options = f"STRUCT({quoted(model_params(self.task))} AS model_params)"
        call = f"{self.function}(MODEL {self.model}, ({rows}), {options})"
        if self.function == "ML.GENERATE_TEXT":
            response = "TO_JSON_STRING(ml_generate_text_result)"
            status, answer = "ml_generate_text_status", text_in(response)
        else:
            response, status, answer = "TO_JSON_STRING(full_response)", "status", "result"
        return _columns(status, answer, response, "CAST([] AS ARRAY<FLOAT64>)", call)


@dataclass(frozen=True, slots=True)
class Generate:
    """``AI.GENERATE``: calls the model at ``endpoint`` through ``connection``; no remote model."""

    task: TaskSpec
    endpoint: str
    connection: str

    def responses(self, chosen_table: str) -> str:
        """See ``ModelCall``."""
        call = (
            f"AI.GENERATE((images, {quoted(self.task.prompt)}),"
            f" connection_id => {quoted(self.connection)},"
            f" endpoint => {quoted(self.endpoint)},"
            f" model_params => JSON {quoted(model_params(self.task))})"
        )
        rows = f"(SELECT part_key, {call} AS reply FROM {chosen_table})"  # noqa: S608 - quoted
        return _columns(
            "reply.status",
            "reply.result",
            "TO_JSON_STRING(reply.full_response)",
            "CAST([] AS ARRAY<FLOAT64>)",
            rows,
        )


@dataclass(frozen=True, slots=True)
class GenerateEmbedding:
    """``AI.GENERATE_EMBEDDING`` or the older ``ML.GENERATE_EMBEDDING``, with a remote model."""

    model: str
    dimension: int
    function: EmbedFunction = "AI.GENERATE_EMBEDDING"

    def responses(self, chosen_table: str) -> str:
        """See ``ModelCall``."""
        rows = f"SELECT part_key, images[OFFSET(0)] AS content FROM {chosen_table}"  # noqa: S608 - quoted
        options = f"STRUCT({int(self.dimension)} AS output_dimensionality)"
        call = f"{self.function}(MODEL {self.model}, ({rows}), {options})"
        older = self.function == "ML.GENERATE_EMBEDDING"
        status = "ml_generate_embedding_status" if older else "status"
        vector = "ml_generate_embedding_result" if older else "embedding"
        nothing = "CAST(NULL AS STRING)"
        return _columns(status, nothing, nothing, vector, call)


def model_params(task: TaskSpec) -> str:
    """Return a request body without its contents, as JSON.

    Raises:
        ConfigurationError: the task has no model yet.
    """
    if not task.model:
        raise ConfigurationError(f"task {task.name} has no model; resolve it first")
    return json.dumps({"generationConfig": config_of(task, model=task.model)}, sort_keys=True)


def text_in(response: str) -> str:
    """Return SQL for the text of a Gemini response, without its thoughts."""
    return (
        "(SELECT STRING_AGG(JSON_VALUE(part, '$.text'), '' ORDER BY place)"  # noqa: S608 - ours
        f" FROM UNNEST(JSON_QUERY_ARRAY({response}, '$.candidates[0].content.parts')) AS part"
        " WITH OFFSET AS place WHERE COALESCE(JSON_VALUE(part, '$.thought'), 'false') <> 'true')"
    )


def _columns(status: str, answer: str, response: str, vector: str, call: str) -> str:
    return (
        f"SELECT part_key, {status} AS status, {answer} AS answer, {response} AS response,"  # noqa: S608 - ours
        f" {vector} AS vector FROM {call}"
    )
