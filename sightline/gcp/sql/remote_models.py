"""Remote models: created when a statement first needs one, replaced if their definition changes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sightline.errors import ConfigurationError
from sightline.gcp.bigquery.client import BigQueryClient
from sightline.gcp.bigquery.literals import quoted
from sightline.gcp.bigquery.place import BigQueryPlace
from sightline.gcp.sql.files import statement
from sightline.gcp.vertex_location import VertexLocation, tuned_location

PREFIX = "sightline_"
_CONNECTION = re.compile(r"[a-z0-9.:-]+\.[a-z0-9-]+\.[\w-]+")


@dataclass(frozen=True, slots=True)
class RemoteModel:
    """The definition of a remote model; ``endpoint`` is a URL without a method."""

    name: str
    endpoint: str
    connection: str


class ModelStore(Protocol):
    """Stores the remote models of a dataset, in BigQuery or in a test."""

    async def models(self) -> Sequence[RemoteModel]:
        """Return Sightline's remote models."""
        ...

    async def define(self, model: RemoteModel) -> None:
        """Create or replace a model."""
        ...

    async def drop(self, name: str) -> None:
        """Remove a model, if it exists."""
        ...


async def ensure(store: ModelStore, needed: RemoteModel) -> bool:
    """Create or replace a model if its definition differs; return whether that was necessary."""
    existing = {model.name: model for model in await store.models()}
    if existing.get(needed.name) == needed:
        return False
    await store.define(needed)
    return True


def remote_model(model: str, place: VertexLocation, connection: str) -> RemoteModel:
    """Return the definition of the remote model for a Vertex AI model at a location.

    Raises:
        ConfigurationError: ``connection`` is invalid, or the model is tuned or not served there.
    """
    if not _CONNECTION.fullmatch(connection):
        raise ConfigurationError(
            f"sql.connection = {connection!r} is not accepted; accepted:"
            " project.location.connection, as `sightline config from-stack` writes it"
        )
    if tuned_location(model) is not None:
        raise ConfigurationError(
            f"{model} is a tuned model, which BigQuery statements do not support; let"
            " workers do it (`sightline enqueue --engine gcp`), or set models.classify to another"
        )
    place.check_served(model)
    slug = re.sub(r"[^a-z0-9]+", "_", model.lower()).strip("_")
    endpoint = place.method_url(model, "").removesuffix(":")
    return RemoteModel(f"{PREFIX}{slug}", endpoint, connection)


class BigQueryModels:
    """The remote models of the dataset of ``place``, through ``client``."""

    def __init__(self, client: BigQueryClient, place: BigQueryPlace) -> None:
        self._client = client
        self._place = place

    async def models(self) -> Sequence[RemoteModel]:
        """See ``ModelStore``; fetches each model, since the list does not contain endpoints."""
        dataset = f"{self._place.project}.{self._place.dataset}"
        how = self._client.request_options()
        models: list[Any] = await self._client.use(
            lambda library: [
                library.get_model(model.reference, **how)
                for model in library.list_models(dataset, **how)
                if model.model_id.startswith(PREFIX)
            ]
        )
        return [_as_ours(model.to_api_repr()) for model in models]

    async def define(self, model: RemoteModel) -> None:
        """See ``ModelStore``."""
        await self._client.execute(
            statement(
                "make_model",
                model=self._place.table(model.name),
                connection=model.connection,
                endpoint=quoted(model.endpoint),
            )
        )

    async def drop(self, name: str) -> None:
        """See ``ModelStore``."""
        await self._client.execute(statement("drop_model", model=self._place.table(name)))


def _as_ours(model: dict[str, Any]) -> RemoteModel:
    remote = model.get("remoteModelInfo", {})
    # projects/P/locations/L/connections/C, or P.L.C
    connection = re.sub(
        r"^projects/([^/]+)/locations/([^/]+)/connections/([^/]+)$",
        r"\1.\2.\3",
        str(remote.get("connection", "")),
    )
    return RemoteModel(
        str(model["modelReference"]["modelId"]), str(remote.get("endpoint", "")), connection
    )
