"""How much a model may think, in the terms of its generation, and the room that thoughts need.

Thoughts count against the bound on an answer's tokens, so it is widened by what they may take:
otherwise a model that thinks long is cut off, and is paid for no answer.
"""

from __future__ import annotations

import re
from typing import Any

MOST_OUTPUT_TOKENS = 65_536
_LEVELS = (("MINIMAL", 0), ("LOW", 1_024), ("MEDIUM", 8_192), ("HIGH", 24_576))
"""Levels and the budgets that they stand for (https://ai.google.dev/gemini-api/docs/openai)."""
_UNSAID = 8_192
"""Room for a model that decides itself how long it thinks."""
_GENERATION = re.compile(r"gemini-(\d+)(?:\.(\d+))?")


def thinking_config(model: str, budget: int | None) -> dict[str, Any] | None:
    """Return what to say about thinking; ``None`` leaves it to the model, as a budget of -1 does.

    From Gemini 3 on a model takes a level, before that a number of tokens.
    """
    if budget is None or budget < 0:
        return None
    if _generation(model) < (3, 0):
        return {"thinkingBudget": budget}
    return {"thinkingLevel": next((name for name, most in _LEVELS if budget <= most), "HIGH")}


def output_tokens(model: str, answer_tokens: int, budget: int | None) -> int:
    """Return the bound on an answer of so many tokens and the thoughts before it."""
    if _generation(model) < (2, 5):
        room = 0  # these do not think
    elif budget is None or budget < 0:
        room = _UNSAID
    elif _generation(model) < (3, 0):
        room = budget
    else:
        room = next((most for _, most in _LEVELS if budget <= most), _LEVELS[-1][1])
    return min(answer_tokens + room, MOST_OUTPUT_TOKENS)


def _generation(model: str) -> tuple[int, int]:
    match = _GENERATION.match(model)
    # A name without a number (an alias such as gemini-flash-latest) is one of the newest.
    return (int(match[1]), int(match[2] or 0)) if match else (99, 0)
