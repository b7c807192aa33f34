"""Reports this worker's rates and beliefs to other workers, and passes theirs to its limiters."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from math import isfinite

from sightline.errors import SightlineError, TransientError
from sightline.ports import PeerReport, Peers
from worker.limiting import Limiter
from worker.worker_status import Kind

log = logging.getLogger(__name__)


async def see_peers(peers: Peers, worker_id: str, limiters: Mapping[Kind, Limiter]) -> None:
    """Exchange reports with other workers until cancelled, then remove this worker's.

    Raises:
        StorageError, ConfigurationError: see the adapter. Transient errors are logged.
    """
    try:
        while True:
            try:
                await _look(peers, worker_id, limiters)
            except TransientError as error:  # the limiters keep the last known numbers
                log.warning("the reports of other workers cannot be read; trying again: %s", error)
            await asyncio.sleep(peers.every_s)
    finally:
        with contextlib.suppress(SightlineError):  # a report that remains expires by its age
            await peers.leave(worker_id)


async def _look(peers: Peers, worker_id: str, limiters: Mapping[Kind, Limiter]) -> None:
    reports: dict[str, PeerReport] = {
        kind: PeerReport(rate_per_s, limiter.believed())
        for kind, limiter in limiters.items()
        if isfinite(rate_per_s := limiter.snapshot().rate_per_s)
    }
    reported = await peers.report(worker_id, reports)
    for kind, limiter in limiters.items():
        if (seen := reported.get(kind)) is not None:
            limiter.hear_peers(seen)
