"""Builds the application: routes, the errors' form, and the guard before all of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI
from starlette.middleware import Middleware

from sightline import __version__
from sightline.web.access.door import Door
from sightline.web.access.guard import Guard, Rules
from sightline.web.assets import Assets
from sightline.web.errors import add_error_handlers
from sightline.web.project import OpenProject
from sightline.web.routes import exports, images, pages, pictures, runs, session, views


def create_app(
    opening: Callable[[], AbstractAsyncContextManager[OpenProject]],
    door: Door,
    rules: Rules,
) -> FastAPI:
    """Return the application of a project, which is opened when the server starts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with opening() as project:
            app.state.project = project
            yield

    app = FastAPI(
        title="Sightline",
        version=__version__,
        lifespan=lifespan,
        docs_url=None,  # its page loads scripts from elsewhere
        redoc_url=None,
        middleware=[Middleware(Guard, door=door, rules=rules)],
    )
    app.state.door = door
    add_error_handlers(app)
    for routes in (pages, session, images, pictures, views, exports, runs):
        app.include_router(routes.router)
    app.mount("/static", Assets(), name="static")
    return app
