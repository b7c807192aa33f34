"""Reports how fast this worker sends, and tells its limiters how many share their quotas."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from math import isfinite

from sightline.errors import SightlineError, TransientError
from sightline.ports import Peers
from worker.limiting import Limiter
from worker.worker_status import Kind

log = logging.getLogger(__name__)


async def see_peers(peers: Peers, worker_id: str, limiters: Mapping[Kind, Limiter]) -> None:
    """Look at who else sends, until cancelled; then leave.

    Raises:
        StorageError, ConfigurationError: see the adapter. A look that fails for a moment is logged.
    """
    try:
        while True:
            try:
                await _look(peers, worker_id, limiters)
            except TransientError as error:  # the work goes on with what was seen before
                log.warning("the other workers cannot be seen for a moment: %s", error)
            await asyncio.sleep(peers.every_s)
    finally:
        with contextlib.suppress(SightlineError):  # a report that stays is forgotten by its age
            await peers.leave(worker_id)


async def _look(peers: Peers, worker_id: str, limiters: Mapping[Kind, Limiter]) -> None:
    rates: dict[str, float] = {
        kind: limiter.snapshot().rate_per_s for kind, limiter in limiters.items()
    }
    finite = {kind: rate for kind, rate in rates.items() if isfinite(rate)}
    reported = await peers.report(worker_id, finite)
    for kind, limiter in limiters.items():
        if (seen := reported.get(kind)) is not None:
            limiter.hear_peers(seen)
