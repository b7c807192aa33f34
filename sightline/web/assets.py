"""The page's code and styles, which browsers keep and ask about again; nothing of the project."""

from __future__ import annotations

from pathlib import Path

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from sightline.contact_sheet import card_styles

STATIC = Path(__file__).parent / "static"
CARD_STYLES = "grid.css"
"""The styles of cards, which the page and contact sheets share."""


class Assets(StaticFiles):
    """Serves the folder ``static``, and the styles of cards beside it."""

    def __init__(self) -> None:
        super().__init__(directory=STATIC)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return a file, or 304 if the browser has it."""
        if path == CARD_STYLES:
            return Response(card_styles(), media_type="text/css")
        response = await super().get_response(path, scope)
        response.headers["cache-control"] = "no-cache"
        return response
