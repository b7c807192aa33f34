"""The limiter's policy for workers that are told how many of them share a quota.

Such a worker may try whether slowing down helps (docs/adr/0020). Those that are not told have
``worker.limiting.unseen_peers``.
"""

from worker.limiting.seen_peers.quota_finder import QuotaFinder

__all__ = ["QuotaFinder"]
