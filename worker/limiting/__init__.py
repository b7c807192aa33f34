"""Permits for calls to one model: how many at once, and how fast.

``Limiter`` is the interface. ``StaticLimiter`` holds a configured rate and cap. ``AdaptiveLimiter``
finds the quota by itself; its policy is ``QuotaFinder``, a state machine without a clock.
"""

from sightline.settings import LimitSettings
from worker.limiting.adaptive import AdaptiveLimiter
from worker.limiting.limiter import Limiter, LimiterSnapshot, LimiterState, Outcome, Sample
from worker.limiting.quota_finder import QuotaFinder
from worker.limiting.static import StaticLimiter

__all__ = [
    "AdaptiveLimiter",
    "Limiter",
    "LimiterSnapshot",
    "LimiterState",
    "Outcome",
    "QuotaFinder",
    "Sample",
    "StaticLimiter",
    "limiter_of",
]


def limiter_of(limit: LimitSettings) -> Limiter:
    """Return the limiter that the settings ask for."""
    return AdaptiveLimiter(limit) if limit.adaptive else StaticLimiter(limit)
