"""Lists and drops the remote models that BigQuery calls; ``work`` creates those that it needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sightline.errors import NotFoundError
from sightline.gcp.sql.remote_models import RemoteModel
from sightline.settings import Settings
from sightline.suggestions import did_you_mean
from sightline.wiring.statements import open_remote_models


@dataclass(frozen=True, slots=True)
class RemoteModelRemoval:
    """The names of the remote models that were dropped."""

    dropped: Sequence[str]


async def remote_models(settings: Settings) -> Sequence[RemoteModel]:
    """Return the remote models of the configured dataset.

    Raises:
        ConfigurationError, TransientError: BigQuery refuses, or is unavailable.
    """
    async with open_remote_models(settings) as store:
        return tuple(await store.models())


async def drop_remote_models(settings: Settings, names: Sequence[str] = ()) -> RemoteModelRemoval:
    """Drop remote models by name, or all without names; they are created again when needed.

    Raises:
        NotFoundError: a named model does not exist; then none is dropped.
        ConfigurationError, TransientError: BigQuery refuses, or is unavailable.
    """
    async with open_remote_models(settings) as store:
        existing = [model.name for model in await store.models()]
        for name in names:
            if name not in existing:
                raise NotFoundError(
                    f"no remote model {name!r}{did_you_mean(name, existing)}; there are:"
                    f" {', '.join(existing)}"
                )
        chosen = tuple(names or existing)
        for name in chosen:
            await store.drop(name)
    return RemoteModelRemoval(chosen)
