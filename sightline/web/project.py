"""The project behind the page, open for as long as the page is served."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from fastapi import Request

from sightline.operations.gallery.exports import Exports, open_exports
from sightline.operations.gallery.live_run import RunReader
from sightline.operations.gallery.query_images import QueryImages
from sightline.operations.gallery.ranked_hits import RecentSearches
from sightline.operations.gallery.saved_views import SavedViews
from sightline.operations.gallery.thumbnails import PictureMaker, open_pictures
from sightline.operations.held_open import HeldOpen
from sightline.ports import Engine, Warehouse
from sightline.settings import Settings
from sightline.wiring.engine import open_engine, open_warehouse


@dataclass(frozen=True, kw_only=True)
class OpenProject:
    """The settings and the warehouse; the whole engine is opened when it is first needed."""

    settings: Settings
    warehouse: Warehouse
    engine: HeldOpen[Engine]
    searches: RecentSearches
    pictures: PictureMaker
    query_images: QueryImages
    views: SavedViews
    exports: Exports
    runs: RunReader


@asynccontextmanager
async def open_project(settings: Settings) -> AsyncIterator[OpenProject]:
    """Open a project for reading, even if its queue is broken.

    Raises:
        ConfigurationError, StorageError: the warehouse cannot be opened.
    """
    engine = HeldOpen(lambda: open_engine(settings))
    runs = RunReader(engine.get, settings)
    async with open_warehouse(settings) as warehouse:
        searches = RecentSearches(time.monotonic)
        try:
            with open_pictures(settings) as pictures, open_exports(settings) as exports:
                yield OpenProject(
                    settings=settings,
                    warehouse=warehouse,
                    engine=engine,
                    searches=searches,
                    pictures=pictures,
                    query_images=QueryImages(settings),
                    views=SavedViews(settings),
                    exports=exports,
                    runs=runs,
                )
        finally:
            await runs.stop()
            await searches.close()
            await engine.close()


def project_of(request: Request) -> OpenProject:
    """Return the project that a request is about: a dependency of routes."""
    project: OpenProject = request.app.state.project
    return project
