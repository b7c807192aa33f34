"""The faults that can be injected, and their shares of the calls. Pure; randomness is passed in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Verb(StrEnum):
    """The supported methods of a publisher model."""

    GENERATE = "generateContent"
    EMBED = "embedContent"
    PREDICT = "predict"


class Fault(StrEnum):
    """The ways in which a call can fail."""

    THROTTLED = "throttled"
    THROTTLED_RETRY_AFTER = "throttled_retry_after"
    THROTTLED_RETRY_INFO = "throttled_retry_info"
    INTERNAL = "internal"
    UNAVAILABLE = "unavailable"
    DEADLINE = "deadline"
    CANCELLED = "cancelled"
    HANG = "hang"
    RESET = "reset"
    HALF_BODY = "half_body"
    MAX_TOKENS = "max_tokens"
    SAFETY = "safety"
    RECITATION = "recitation"
    NO_CANDIDATES = "no_candidates"
    PROMPT_BLOCKED = "prompt_blocked"
    IMAGE_UNREADABLE = "image_unreadable"
    IMAGE_TOO_LARGE = "image_too_large"
    INVALID_ARGUMENT = "invalid_argument"
    UNAUTHENTICATED = "unauthenticated"
    IMAGE_FORBIDDEN = "image_forbidden"
    CALLER_FORBIDDEN = "caller_forbidden"
    IMAGE_GONE = "image_gone"
    MODEL_CLOSED = "model_closed"


ANSWERED_WITH_200 = frozenset(
    {Fault.MAX_TOKENS, Fault.SAFETY, Fault.RECITATION, Fault.NO_CANDIDATES, Fault.PROMPT_BLOCKED}
)
"""Faults inside a paid answer, which only ``generateContent`` has."""

THROTTLES = frozenset({Fault.THROTTLED, Fault.THROTTLED_RETRY_AFTER, Fault.THROTTLED_RETRY_INFO})


@dataclass(frozen=True, slots=True)
class FaultMix:
    """Each fault's share of the calls; together at most 1.

    If a drawn fault does not exist for a method, the call has no fault, so shares hold per method.
    """

    shares: Mapping[Fault, float] = field(default_factory=dict)
    retry_delay_s: float = 1.0

    def __post_init__(self) -> None:
        """Check the numbers."""
        for kind, share in self.shares.items():
            if not 0 <= share <= 1:
                raise ValueError(f"the share of {kind} is {share}; give a number from 0 to 1")
        if sum(self.shares.values()) > 1 + 1e-9:
            raise ValueError("the shares add up to more than 1; make them smaller")
        if not 0 <= self.retry_delay_s <= 3600:
            raise ValueError(f"retry_delay_s = {self.retry_delay_s}; give seconds from 0 to 3600")

    def draw(self, point: float, verb: Verb) -> Fault | None:
        """Return the fault at a point drawn uniformly from [0, 1), or ``None``."""
        for kind, share in self.shares.items():
            if point < share:
                return kind if verb is Verb.GENERATE or kind not in ANSWERED_WITH_200 else None
            point -= share
        return None
