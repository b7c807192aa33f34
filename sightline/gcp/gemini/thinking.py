"""The thinking parameters of each model generation, and the output tokens that thinking needs.

Thoughts count against the limit of output tokens, so the limit is raised by the tokens that they
may use. Otherwise a model that thinks long would be cut off, and the call paid without an answer.
"""

from __future__ import annotations

import re
from typing import Any

MOST_OUTPUT_TOKENS = 65_536
_LEVELS = (("MINIMAL", 0), ("LOW", 1_024), ("MEDIUM", 8_192), ("HIGH", 24_576))
"""Levels and the equivalent budgets (https://ai.google.dev/gemini-api/docs/openai)."""
_UNLIMITED_THINKING = 8_192
"""The allowance for a model that decides itself how long it thinks."""
_GENERATION = re.compile(r"gemini-(\d+)(?:\.(\d+))?")


def thinking_config(model: str, budget: int | None) -> dict[str, Any] | None:
    """Return the thinking parameters; ``None`` leaves them to the model, as a budget of -1 does.

    Models from Gemini 3 accept a level, earlier ones a number of tokens.
    """
    if budget is None or budget < 0:
        return None
    if _generation(model) < (3, 0):
        return {"thinkingBudget": budget}
    return {"thinkingLevel": next((name for name, most in _LEVELS if budget <= most), "HIGH")}


def output_tokens(model: str, answer_tokens: int, budget: int | None) -> int:
    """Return the limit of output tokens: ``answer_tokens`` and an allowance for thoughts."""
    if _generation(model) < (2, 5):
        room = 0  # these do not think
    elif budget is None or budget < 0:
        room = _UNLIMITED_THINKING
    elif _generation(model) < (3, 0):
        room = budget
    else:
        room = next((most for _, most in _LEVELS if budget <= most), _LEVELS[-1][1])
    return min(answer_tokens + room, MOST_OUTPUT_TOKENS)


def _generation(model: str) -> tuple[int, int]:
    match = _GENERATION.match(model)
    # A name without a number, such as the alias gemini-flash-latest, is one of the newest models.
    return (int(match[1]), int(match[2] or 0)) if match else (99, 0)
