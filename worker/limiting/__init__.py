"""Permits for calls to one model: how many in progress, and how fast.

``Limiter`` is the interface. ``StaticLimiter`` applies a configured rate and cap.
``AdaptiveLimiter`` finds the quota; its policy is a state machine without a clock: ``QuotaFinder``
where workers see each other, ``SharedQuotaFinder`` where they do not.
"""

from sightline.settings import LimitSettings
from worker.limiting.adaptive import AdaptiveLimiter
from worker.limiting.limiter import Limiter, LimiterSnapshot, LimiterState, Outcome, Sample
from worker.limiting.seen_peers import QuotaFinder
from worker.limiting.static import StaticLimiter
from worker.limiting.unseen_peers import SharedQuotaFinder

__all__ = [
    "AdaptiveLimiter",
    "Limiter",
    "LimiterSnapshot",
    "LimiterState",
    "Outcome",
    "QuotaFinder",
    "Sample",
    "SharedQuotaFinder",
    "StaticLimiter",
    "limiter_of",
]


def limiter_of(
    limit: LimitSettings, *, seen_peers: bool = False, has_quota: bool = True
) -> Limiter:
    """Return the limiter for these settings. The offline model has no quota to find."""
    if not (limit.adaptive and has_quota):
        return StaticLimiter(limit)
    return AdaptiveLimiter(limit, seen_peers=seen_peers)
