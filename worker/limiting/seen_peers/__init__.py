"""The limiter's policy for workers that know how many share the quota.

Such a worker may test whether slowing down helps (docs/adr/0020). ``worker.limiting.unseen_peers``
is for workers that do not know.
"""

from worker.limiting.seen_peers.quota_finder import QuotaFinder

__all__ = ["QuotaFinder"]
