"""The stored index of local vectors: created, inspected or removed on request."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from sightline.local.vectors import (
    EXACT_UP_TO,
    SMALLEST,
    SUFFIX,
    DamagedIndexError,
    IndexFile,
    drop_index,
    fit_of,
    load_index,
    make_index,
)
from sightline.local.warehouse.engine import DEFAULT_OPTIONS, DuckDbEngine, EngineOptions, Session
from sightline.local.warehouse.vector_set import ImageSet, load_images, load_vectors, spaces
from sightline.ports.search import IndexState, Progress, nothing_embedded
from sightline.schema import embeddings_ledger

INDEXES = ".indexes"
"""Folder below the root that contains trained indexes; safe to delete."""


def index_path(root: Path, model: str, dimension: int) -> Path:
    """Return the file of these vectors' index."""
    return root / INDEXES / f"{embeddings_ledger(model, dimension).name}{SUFFIX}"


class LocalVectorIndexes:
    """``VectorIndexes`` below ``root``: one file per model and dimension."""

    def __init__(
        self,
        root: Path,
        *,
        exact_up_to: int = EXACT_UP_TO,
        options: EngineOptions = DEFAULT_OPTIONS,
    ) -> None:
        self._engine = DuckDbEngine(root, options)
        self._options = options
        self._exact_up_to = exact_up_to

    async def create(
        self,
        model: str,
        dimension: int,
        *,
        on_progress: Progress,
        wait: bool = True,  # noqa: ARG002 - the port's; an index is made at once
    ) -> IndexState:
        """Create and store the index, or add codes for the vectors that it lacks.

        Raises:
            NotFoundError: there is no vector by this model at this dimension.
            ConfigurationError: there are too few vectors for an index.
            StorageError: it cannot be stored.
        """

        def make(session: Session) -> None:
            ledger = embeddings_ledger(model, dimension)
            loaded = load_vectors(session, ledger, model, dimension)
            if not len(loaded.vectors):
                raise nothing_embedded(model, dimension, spaces(session))
            make_index(
                loaded.vectors,
                IndexFile(self._path(model, dimension), loaded.parts),
                threads=self._options.threads,
                on_progress=lambda done: on_progress(done, 100),
            )

        await self._engine.read(make)
        return await self.status(model, dimension)

    async def status(self, model: str, dimension: int) -> IndexState:
        """Return the state of the stored index, compared with the current vectors."""

        def look(session: Session) -> ImageSet:
            there = load_images(session, embeddings_ledger(model, dimension), model, dimension)
            if not there.images.num_rows:
                raise nothing_embedded(model, dimension, spaces(session))
            return there

        there = await self._engine.read(look)
        return self._state(self._path(model, dimension), there)

    async def drop(self, model: str, dimension: int) -> bool:
        """Remove the stored index, and return whether there was one.

        Raises:
            StorageError: it cannot be removed.
        """
        return drop_index(self._path(model, dimension))

    def _path(self, model: str, dimension: int) -> Path:
        return index_path(self._engine.store.root, model, dimension)

    def _state(self, path: Path, there: ImageSet) -> IndexState:
        rows = len(there.parts)
        try:
            saved = load_index(path)
        except DamagedIndexError as error:
            detail = f"it is damaged ({error}); `sightline index create` creates it again"
            return IndexState(path.name, "unusable", rows, 0, detail)
        if saved is None:
            return IndexState(path.name, "none", rows, 0, self._without(rows))
        covered = saved.covered(there.parts)
        fit = fit_of(rows, len(saved.parts), covered)
        about = os.stat(path)  # noqa: PTH116 - mypy knows its fields
        detail = {
            "whole": "it covers every vector",
            "few are missing": "vectors that it lacks are compared as well",
            "many are missing": "the next search adds what it lacks",
            "no": "it does not fit the vectors; `sightline index create` creates it again",
        }[fit]
        return IndexState(
            path.name,
            "unusable" if fit == "no" else "ready" if fit == "whole" else "behind",
            rows,
            covered,
            detail,
            lists=saved.lists,
            refreshed_at=datetime.fromtimestamp(about.st_mtime, UTC),
            bytes=about.st_size,
        )

    def _without(self, rows: int) -> str:
        if rows < SMALLEST:
            return f"there is no index: {rows:,} vectors need none"
        if rows <= self._exact_up_to:
            return (
                f"there is no index: up to {self._exact_up_to:,} vectors are compared, unless"
                " `sightline index create` creates one"
            )
        return "there is no index yet: the next search creates it, or `sightline index create`"
