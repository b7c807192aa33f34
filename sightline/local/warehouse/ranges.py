"""How a work list is cut into ranges, and which of them are still to be published."""

from __future__ import annotations

from collections.abc import Iterable

from sightline.model import WorkRange


def unpublished_ranges(
    run_id: str,
    bucket_sizes: Iterable[tuple[int, int]],
    published: Iterable[tuple[int, int, int]],
    range_items: int,
) -> list[WorkRange]:
    """Return what no published range covers, in order, in ranges of at most ``range_items``.

    ``bucket_sizes`` are (bucket, items), ``published`` are (bucket, start, stop).
    """
    done: dict[int, list[tuple[int, int]]] = {}
    for bucket, start, stop in published:
        done.setdefault(bucket, []).append((start, stop))
    return [
        WorkRange(run_id, bucket, start, min(start + range_items, stop))
        for bucket, size in sorted(bucket_sizes)
        for first, stop in _gaps(size, sorted(done.get(bucket, [])))
        for start in range(first, stop, range_items)
    ]


def _gaps(size: int, covered: list[tuple[int, int]]) -> Iterable[tuple[int, int]]:
    """Yield the intervals of ``0 <= seq < size`` outside the sorted intervals ``covered``."""
    at = 0
    for start, stop in covered:
        if start > at:
            yield at, min(start, size)
        at = max(at, stop)
    if at < size:
        yield at, size
