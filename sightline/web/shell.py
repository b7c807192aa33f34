"""Renders the page's HTML: a shell that the browser's code fills."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request

from sightline import __version__


def render(template: str, request: Request, **values: object) -> str:
    """Return a template's HTML; all values are escaped.

    Every template has ``root`` (the path prefix), ``version`` and ``visitor`` (``None`` without a
    session).
    """
    return (
        _templates()
        .get_template(template)
        .render(
            root=request.scope.get("root_path", ""),
            version=__version__,
            visitor=request.scope.get("state", {}).get("visitor"),
            **values,
        )
    )


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("sightline.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
