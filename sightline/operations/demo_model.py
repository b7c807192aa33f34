"""What is to be said where the demo model stands in for one that can read photographs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sightline.errors import NotFoundError
from sightline.model import Filter, Observation
from sightline.ports import SearchQuery, Warehouse
from sightline.settings import Settings
from sightline.vision.scenes import is_rendered
from sightline.wiring.prices import NOOP

LOOKED_AT = 20
"""The newest images that pass: photographs and rendered scenes are rarely imported together."""

INSTEAD = {
    "answers": 'serve a vision model with Ollama or vLLM and set adapters.classify = "openai", or'
    ' set adapters.classify = "gemini" with an API key',
    "vectors": 'for search set adapters.embed = "gemini" with an API key',
}
"""What can be used in the place of what the demo model makes."""


def made_by_demo_model(settings: Settings) -> Sequence[str]:
    """Return what the demo model makes by these settings, answers or vectors."""
    models = settings.models
    answers = settings.adapter("classify") == "local" and models.classify != NOOP
    vectors = settings.adapter("embed") == "local" and models.embed != NOOP
    named = (("answers", answers), ("vectors", vectors))
    return [what for what, is_made in named if is_made]


def stand_in_remark(settings: Settings, images: Iterable[Observation]) -> str:
    """Return what is to be known about these images' answers; empty of rendered scenes alone."""
    made = made_by_demo_model(settings)
    if not made or all(is_rendered(image.gcs_uri) for image in images):
        return ""
    return (
        f"the {' and '.join(made)} are the demo model's, which was trained on rendered scenes:"
        f" about photographs they mean nothing; {'; '.join(INSTEAD[what] for what in made)}:"
        " docs/mix-and-match.md"
    )


async def remark_on_answers(warehouse: Warehouse, which: Filter | None = None) -> str:
    """Return what is to be known about the answers on the images that pass a filter."""
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
    return stand_in_remark(settings, [hit.observation for hit in hits])
