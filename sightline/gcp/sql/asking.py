"""How a model is asked within a statement: one class a function of BigQuery's.

Each yields a query of the same columns: ``part_key, status, answer, response, vector``. The images
go first and the prompt after them, and all parameters of the task go along, as the workers send
them: an answer is that of the task's fingerprint, whichever engine asked. ``AI.GENERATE_TABLE`` is
not among them, since it takes neither the media resolution, nor a seed, nor a list of accepted
values.
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


class Asking(Protocol):
    """Asks a model about the rows of a table."""

    def said(self, to_ask: str) -> str:
        """Return the query of what is said about the rows (``part_key, images``) of a table."""
        ...


@dataclass(frozen=True, slots=True)
class GenerateText:
    """``AI.GENERATE_TEXT``, or its older twin, over a remote model."""

    task: TaskSpec
    model: str
    function: Function = "AI.GENERATE_TEXT"

    def said(self, to_ask: str) -> str:
        """See ``Asking``."""
        rows = (
            f"SELECT part_key, STRUCT(images, {quoted(self.task.prompt)} AS question) AS prompt"  # noqa: S608 - quoted
            f" FROM {to_ask}"
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
    """``AI.GENERATE``: no remote model is made; ``connection`` asks the model at ``endpoint``."""

    task: TaskSpec
    endpoint: str
    connection: str

    def said(self, to_ask: str) -> str:
        """See ``Asking``."""
        call = (
            f"AI.GENERATE((images, {quoted(self.task.prompt)}),"
            f" connection_id => {quoted(self.connection)},"
            f" endpoint => {quoted(self.endpoint)},"
            f" model_params => JSON {quoted(model_params(self.task))})"
        )
        rows = f"(SELECT part_key, {call} AS said FROM {to_ask})"  # noqa: S608 - quoted
        return _columns(
            "said.status",
            "said.result",
            "TO_JSON_STRING(said.full_response)",
            "CAST([] AS ARRAY<FLOAT64>)",
            rows,
        )


@dataclass(frozen=True, slots=True)
class GenerateEmbedding:
    """``AI.GENERATE_EMBEDDING``, or its older twin, over a remote model."""

    model: str
    dimension: int
    function: EmbedFunction = "AI.GENERATE_EMBEDDING"

    def said(self, to_ask: str) -> str:
        """See ``Asking``."""
        rows = f"SELECT part_key, images[OFFSET(0)] AS content FROM {to_ask}"  # noqa: S608 - quoted
        options = f"STRUCT({int(self.dimension)} AS output_dimensionality)"
        call = f"{self.function}(MODEL {self.model}, ({rows}), {options})"
        older = self.function == "ML.GENERATE_EMBEDDING"
        status = "ml_generate_embedding_status" if older else "status"
        vector = "ml_generate_embedding_result" if older else "embedding"
        nothing = "CAST(NULL AS STRING)"
        return _columns(status, nothing, nothing, vector, call)


def model_params(task: TaskSpec) -> str:
    """Return the body of a request without its contents, as JSON.

    Raises:
        ConfigurationError: the task names no model yet.
    """
    if not task.model:
        raise ConfigurationError(f"task {task.name} has no model; resolve it first")
    return json.dumps({"generationConfig": config_of(task, model=task.model)}, sort_keys=True)


def text_in(response: str) -> str:
    """Return SQL for the text of a response of Gemini's, its thoughts aside."""
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
