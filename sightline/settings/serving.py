"""Which models Google serves at which locations, as far as known without a request."""

from __future__ import annotations

import re

MULTI_REGIONS = frozenset({"us", "eu", "global"})
_GEMINI_3 = re.compile(r"gemini-(3|[4-9])")


def why_not_served(model: str, location: str) -> str:
    """Return why a model is not served at a location, and what to set; empty if it may be."""
    if _GEMINI_3.match(model) and location not in MULTI_REGIONS:
        return (
            f"{model} is not served from {location!r}; set the location to one of"
            f" {', '.join(sorted(MULTI_REGIONS))}"
        )
    if model.startswith("multimodalembedding") and location in MULTI_REGIONS:
        return f"{model} is served from regions only; set the location to one, us-central1 say"
    return ""


def why_not_in_batch(model: str) -> str:
    """Return why batch prediction jobs cannot call a model; empty if they may."""
    if model.startswith("gemini"):
        return ""
    return f"{model} cannot be called by batch prediction jobs"
