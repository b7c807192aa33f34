"""Settings of the models: names, limits, and the adapter of each port."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from sightline.settings.endpoints import Url, UrlWithoutUser
from sightline.settings.fields import STRICT


@dataclass(frozen=True, slots=True, config=STRICT)
class ModelSettings:
    """The models in use. Their names are part of part keys and of every row."""

    classify: str = Field(
        default="demo-1",
        description="the model for tasks that name none; `demo-1` is the demo model,"
        " `noop` answers nothing, at once, for measuring; a tuned model is named by its endpoint",
    )
    embed: str = Field(
        default="demo-1",
        description="the model that embeds images and words; on the local engine the same as"
        " `models.classify`",
    )
    embed_dimension: int = Field(
        default=256, ge=1, le=16_384, description="the length of its vectors"
    )
    inference_threads: int = Field(
        default=1, ge=1, le=1024, description="threads of the demo model in each worker"
    )
    batch_size: int = Field(
        default=16, ge=1, le=4096, description="how many images the demo model takes at once"
    )
    max_response_bytes: int = Field(
        default=4_000_000,
        ge=1000,
        le=1_000_000_000,
        description="the most bytes read of a response, compressed or not; a larger"
        " response is refused as `answer_too_large`. A worker may hold this much for each call"
        " in flight",
    )


@dataclass(frozen=True, slots=True, config=STRICT)
class LimitSettings:
    """Bounds on the calls to one model."""

    in_flight: int = Field(
        default=64, ge=1, le=100_000, description="calls in progress at once, at most"
    )
    rate_per_s: float = Field(
        default=0.0,
        ge=0,
        le=1_000_000,
        description="calls started per second, at most; 0 sets no ceiling",
    )
    adaptive: bool = Field(
        default=True,
        description="under these bounds, find the model's quota and follow it; `false` goes as fast"
        " as they allow, as with the offline model, which has no quota",
    )


@dataclass(frozen=True, slots=True, config=STRICT)
class AdapterSettings:
    """The adapter of each port; by default that of ``engine``."""

    queue: Literal["engine", "local", "pubsub", "work_list"] = Field(
        default="engine",
        description="`local` (SQLite), `pubsub`, or `work_list`: no messages, since statements work"
        " the list off",
    )
    warehouse: Literal["engine", "local", "bigquery"] = Field(
        default="engine",
        description="`local` (Parquet and DuckDB) or `bigquery`; the observations are in the same"
        " place as the ledgers, since one statement reads both",
    )
    classify: Literal["engine", "local", "vertex", "gemini", "openai"] = Field(
        default="engine",
        description="who answers tasks: `local`, `vertex` (Gemini on Vertex AI), `gemini` (the"
        " Gemini API with a key) or `openai` (any service that speaks OpenAI's chat completions)",
    )
    embed: Literal["engine", "local", "vertex", "gemini"] = Field(
        default="engine", description="who embeds: `local`, `vertex` or `gemini`"
    )


@dataclass(frozen=True, slots=True, config=STRICT)
class VertexSettings:
    """The locations of models on Vertex AI."""

    location: str = Field(
        default="global",
        description="the location of the models; Gemini 3 is served from `us`, `eu` and `global`",
    )
    embed_location: str = Field(
        default="", description="the location of the embedding model; empty for the same"
    )
    endpoint: UrlWithoutUser = Field(default="", description="URL of a simulator")


@dataclass(frozen=True, slots=True, config=STRICT)
class GeminiSettings:
    """The Gemini API, with a key."""

    api_key_env: str = Field(
        default="GEMINI_API_KEY",
        description="the environment variable that holds the key of the Gemini API",
    )
    endpoint: Url = Field(default="", description="URL of a simulator")


@dataclass(frozen=True, slots=True, config=STRICT)
class OpenAiSettings:
    """A service with OpenAI's chat completions."""

    endpoint: Url = Field(
        default="http://127.0.0.1:8000/v1",
        description="the URL of the service with OpenAI's protocol",
    )
    api_key_env: str = Field(
        default="OPENAI_API_KEY",
        description="the environment variable that holds its key; without one none is sent",
    )
