"""What is given up for which fault of the simulator."""

from __future__ import annotations

from collections.abc import Mapping

from sightline.errors import Reason

GIVEN_UP: Mapping[str, Reason] = {
    "max_tokens": Reason.ANSWER_TRUNCATED,
    "safety": Reason.BLOCKED_BY_SAFETY,
    "prompt_blocked": Reason.BLOCKED_BY_SAFETY,
    "recitation": Reason.RECITATION,
    "image_unreadable": Reason.IMAGE_UNREADABLE,
    "image_too_large": Reason.IMAGE_TOO_LARGE,
    "invalid_argument": Reason.MODEL_REJECTED_REQUEST,
    "image_forbidden": Reason.PERMISSION_DENIED,
    "image_gone": Reason.IMAGE_GONE,
    "no_candidates": Reason.ANSWER_INVALID,
}
"""Faults of one image or answer, each of which makes one dead letter."""
