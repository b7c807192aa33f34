"""Where Google serves which model, as far as that is known without asking."""

from __future__ import annotations

import re

MULTI_REGIONS = frozenset({"us", "eu", "global"})
_GEMINI_3 = re.compile(r"gemini-(3|[4-9])")


def why_not_served(model: str, location: str) -> str:
    """Return why a model is not served at a location, and what to set; empty when it may be."""
    if _GEMINI_3.match(model) and location not in MULTI_REGIONS:
        return (
            f"{model} is not served from {location!r}; set the location to one of"
            f" {', '.join(sorted(MULTI_REGIONS))}"
        )
    if model.startswith("multimodalembedding") and location in MULTI_REGIONS:
        return f"{model} is served from regions only; set the location to one, us-central1 say"
    return ""


def why_not_in_batch(model: str) -> str:
    """Return why jobs of batch prediction do not ask a model; empty when they may."""
    if model.startswith("gemini"):
        return ""
    return f"{model} cannot be asked by jobs of batch prediction"
