"""A stratified sample of the work: a number of subjects of each asset type, chosen by hash."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sightline.model import RunRequest
from sightline.ports import ObservationSource


@dataclass(frozen=True, slots=True)
class Stratum:
    """The subjects of one asset type: the work to do on them, and the number in the sample."""

    asset_type: str
    messages: int
    sample: int
    request: RunRequest


def shares(to_do: Mapping[str, int], sample: int) -> dict[str, int]:
    """Return how many subjects of each type to take: in proportion, but at least one of each.

    After the first one, the next always goes to the type that is furthest below its exact share.
    """
    total = sum(to_do.values())
    size = min(sample, total)
    if not size:
        return {}
    exact = {name: size * count / total for name, count in to_do.items() if count}
    counts = dict.fromkeys(exact, 1)
    for _ in range(len(counts), size):
        counts[max(sorted(counts), key=lambda name: exact[name] - counts[name])] += 1
    return counts


async def draw_strata(source: ObservationSource, request: RunRequest, sample: int) -> list[Stratum]:
    """Return the strata, each with a request for its share alone.

    A limit counts subjects in the order of their hashes, whether they are done or not; so this
    searches for the smallest limit that leaves enough to do.
    """
    whole = await source.preview(request)
    alone = {
        asset_type: _of_type(request, asset_type)
        for asset_type, _ in whole.by_asset_type
        if asset_type
    }
    to_do = {name: (await source.preview(of_type)).messages for name, of_type in alone.items()}
    sample_sizes = shares(to_do, sample)
    return [
        Stratum(
            name,
            to_do[name],
            count,
            await _limited(source, alone[name], count),
        )
        for name, count in sample_sizes.items()
    ]


def _of_type(request: RunRequest, asset_type: str) -> RunRequest:
    which = replace(request.filter, asset_types=(asset_type,), limit=None)
    return replace(request, filter=which)


async def _limited(source: ObservationSource, request: RunRequest, sample_size: int) -> RunRequest:
    def at(limit: int) -> RunRequest:
        return replace(request, filter=replace(request.filter, limit=limit))

    low, high = sample_size - 1, sample_size
    while (await source.preview(at(high))).messages < sample_size:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        enough = (await source.preview(at(middle))).messages >= sample_size
        low, high = (low, middle) if enough else (middle, high)
    return at(high)
