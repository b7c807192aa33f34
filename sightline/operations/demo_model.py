"""The remark that the demo model cannot read photographs, for results that it made about them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sightline.errors import NotFoundError
from sightline.model import Filter, Observation
from sightline.ports import SearchQuery, Warehouse
from sightline.settings import Settings
from sightline.wiring.prices import NOOP

LOOKED_AT = 20
"""How many of the newest images are checked: photographs and rendered scenes are rarely mixed."""

GEMINI = "Gemini with an API key"
"""A model that makes answers and vectors of photographs; the others make only answers."""


def made_by_demo_model(settings: Settings) -> Sequence[str]:
    """Return which results the demo model makes with these settings: answers, vectors."""
    models = settings.models
    answers = settings.adapter("classify") == "local" and models.classify != NOOP
    vectors = settings.adapter("embed") == "local" and models.embed != NOOP
    named = (("answers", answers), ("vectors", vectors))
    return [what for what, is_made in named if is_made]


def stand_in_remark(settings: Settings, images: Iterable[Observation]) -> str:
    """Return the remark on results about these images; empty if all are rendered scenes."""
    from sightline.vision.scenes import is_rendered  # noqa: PLC0415 - loads Pillow and NumPy

    made = made_by_demo_model(settings)
    if not made or all(is_rendered(image.gcs_uri) for image in images):
        return ""
    others = " or a vision model in Ollama or vLLM" if "answers" in made else ""
    return (
        f"the demo model made these {' and '.join(made)}, and it cannot read photographs; use"
        f" {GEMINI}{others} instead: docs/mix-and-match.md"
    )


async def remark_on_answers(warehouse: Warehouse, which: Filter | None = None) -> str:
    """Return the remark on the answers about the images that match a filter."""
    settings = warehouse.settings
    if not made_by_demo_model(settings):
        return ""
    query = SearchQuery(
        settings.models.embed,
        settings.models.embed_dimension,
        None,
        LOOKED_AT,
        which or Filter(),
    )
    try:
        hits = await warehouse.search.search(query)
    except NotFoundError:
        return ""  # nothing was enqueued, so nothing is shown
    return stand_in_remark(settings, [hit.observation for hit in hits if hit.answers])
