"""The limiter's policy for workers that cannot see how many share the quota.

A worker that may be one of many must not test whether slowing down helps: the others' refusals
would look random. So usual refusals are learnt only in lulls, and the number of workers only from
refusals (docs/adr/0013). ``worker.limiting.seen_peers`` is for workers that see each other.
"""

from worker.limiting.unseen_peers.quota_finder import SharedQuotaFinder

__all__ = ["SharedQuotaFinder"]
