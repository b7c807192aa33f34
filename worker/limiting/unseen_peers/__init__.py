"""The limiter's policy for workers that cannot see how many of them share a quota.

A worker that may be one of many must not try whether slowing down helps: the others' refusals
would look like chance. So that is learnt only in lulls, and how many there are from refusals
(docs/adr/0013). Workers that see each other have ``worker.limiting.seen_peers``.
"""

from worker.limiting.unseen_peers.quota_finder import SharedQuotaFinder

__all__ = ["SharedQuotaFinder"]
