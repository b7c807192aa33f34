"""Images that are nearly the same, and different images of one place.

Near duplicates are found with leaders: images come in order of preference, and each joins the most
similar leader, or becomes one. So every image that is left out is at least as similar to its kept
image as requested, no two kept images are, and memory grows only with the number of images.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sightline.analysis.nearness import BLOCK, Array, OnBlock, Rows
from sightline.analysis.places import join_near
from sightline.ports import EmbeddedImage

NO_LEADER = -1
ROUNDING = 1e-6
"""How much less than 1 the cosine of two equal vectors may be in float32."""


@dataclass(frozen=True, slots=True)
class Leaders:
    """For each row, its leader (itself if it leads), and the cosine between them."""

    rows: Rows
    cosines: Array

    def groups(self) -> list[list[int]]:
        """Return the rows of each leader with followers, the leader first."""
        groups: dict[int, list[int]] = {}
        for row in np.flatnonzero(self.rows != np.arange(len(self.rows))).tolist():
            groups.setdefault(int(self.rows[row]), []).append(row)
        return [
            [leader, *sorted(others, key=lambda row: (-self.cosines[row], row))]
            for leader, others in sorted(groups.items())
        ]


def leaders(
    vectors: Array,
    order: Sequence[int] | Rows,
    cosine: float,
    *,
    block: int = BLOCK,
    on_block: OnBlock | None = None,
) -> Leaders:
    """Return the leaders of unit vectors, shape (n, dimension); ``order`` has preferred rows first.

    ``order`` may contain only some rows: the others are their own leaders.
    """
    ordered: Rows = np.asarray(order, dtype=np.int64)
    result = Leaders(np.arange(len(vectors)), np.ones(len(vectors), np.float32))
    chosen: Rows = np.empty(len(ordered), np.int64)
    count = 0
    starts = range(0, len(ordered), block)
    for done, at in enumerate(starts, 1):
        rows = ordered[at : at + block]
        own = np.asarray(vectors[rows])
        best = np.full(len(rows), -np.inf, np.float32)
        leader: Rows = np.full(len(rows), NO_LEADER, np.int64)
        for before in range(0, count, block):
            others = chosen[before : min(before + block, count)]
            _take(best, leader, own @ np.asarray(vectors[others]).T, others)
        products = own @ own.T
        for place, row in enumerate(rows.tolist()):
            if best[place] >= cosine - ROUNDING:
                result.rows[row], result.cosines[row] = leader[place], best[place]
                continue
            chosen[count] = row
            count += 1
            later = slice(place + 1, None)
            _take(best[later], leader[later], products[later, place : place + 1], rows[[place]])
        if on_block is not None:
            on_block(done, len(starts))
    return result


def by_preference(images: Sequence[EmbeddedImage]) -> list[int]:
    """Return the rows of images in the order in which they are kept: the newest, then by id."""

    def key(row: int) -> tuple[float, str]:
        captured_at = images[row].capture_time
        return (
            np.inf if captured_at is None else -captured_at.timestamp(),
            images[row].observation_id,
        )

    return sorted(range(len(images)), key=key)


class Clusters:
    """Clusters that are joined one by one (union-find)."""

    def __init__(self, count: int) -> None:
        self._parents = list(range(count))

    def find(self, thing: int) -> int:
        """Return the representative of an item's cluster."""
        root = thing
        while self._parents[root] != root:
            root = self._parents[root]
        while self._parents[thing] != root:
            self._parents[thing], thing = root, self._parents[thing]
        return root

    def join(self, thing: int, other: int) -> None:
        """Join the clusters of two items."""
        first, second = sorted((self.find(thing), self.find(other)))
        self._parents[second] = first

    def all(self, things: Iterable[int]) -> list[list[int]]:
        """Return the clusters of these items, each in order, sorted by their first items."""
        clusters: dict[int, list[int]] = {}
        for thing in sorted(things):
            clusters.setdefault(self.find(thing), []).append(thing)
        return sorted(clusters.values())


def views_of_one_place(images: Sequence[EmbeddedImage], metres: float | None) -> list[list[int]]:
    """Return the rows of the images of each asset and, with ``metres``, of each place.

    With ``metres``, images at most that far apart join, directly or through others. An image
    without an asset and, with ``metres``, without a position is in no cluster.
    """
    clusters = Clusters(len(images))
    first: dict[str, int] = {}
    used = set()
    for row, image in enumerate(images):
        if image.asset_id:
            clusters.join(first.setdefault(image.asset_id, row), row)
            used.add(row)
    if metres is not None:
        used |= join_near(clusters, [(image.latitude, image.longitude) for image in images], metres)
    return clusters.all(used)


def _take(best: Array, leader: Rows, products: npt.NDArray[np.float32], others: Rows) -> None:
    """Move rows to leaders that are more similar; ties stay with the earlier leader."""
    at = products.argmax(axis=1)
    values = products[np.arange(len(products)), at]
    better = values > best
    best[better], leader[better] = values[better], others[at[better]]
