"""The domain: observations of assets, and the parts (answers, embeddings) requested for them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

SEPARATOR = "\x1f"
"""Separates the fields of a part's key; the SQL that computes keys uses the same character."""


@dataclass(frozen=True, slots=True)
class PixelBounds:
    """The bounding box of the asset in the image, in pixels from the top left corner."""

    x_min: float
    y_min: float
    x_max: float
    y_max: float


@dataclass(frozen=True, slots=True)
class CameraPose:
    """The camera's position (WGS 84 degrees, metres) and orientation (degrees)."""

    latitude: float | None = None
    longitude: float | None = None
    altitude: float | None = None
    pitch: float | None = None
    heading: float | None = None
    roll: float | None = None


@dataclass(frozen=True, slots=True)
class Observation:
    """One image of an asset: a row of ``latest_observations``. Times have a time zone."""

    observation_id: str
    asset_id: str
    snapshot_id: str
    asset_type: str
    gcs_uri: str
    latitude: float | None = None
    longitude: float | None = None
    capture_time: datetime | None = None
    detection_time: datetime | None = None
    bbox: PixelBounds | None = None
    camera_pose: CameraPose | None = None
    map_url: str | None = None


@dataclass(frozen=True, slots=True)
class AnswerPart:
    """The answer of one task, at one fingerprint, by one model."""

    task: str
    fingerprint: str
    model: str

    def key(self, subject_id: str) -> str:
        """Return the part's key for this subject: 64 hexadecimal digits."""
        return part_key(subject_id, "answer", self.task, self.fingerprint, self.model, None)


@dataclass(frozen=True, slots=True)
class EmbeddingPart:
    """The embedding by one model, at one dimension."""

    model: str
    dimension: int

    def key(self, subject_id: str) -> str:
        """Return the part's key for this subject: 64 hexadecimal digits."""
        return part_key(subject_id, "embedding", "", "", self.model, self.dimension)


Part = AnswerPart | EmbeddingPart


def part_key(
    subject_id: str, kind: str, task: str, fingerprint: str, model: str, dimension: int | None
) -> str:
    """Return the SHA-256 (hexadecimal) that identifies one part in every ledger.

    Adapters compute the same in SQL: ``sha256`` over the six fields joined by ``SEPARATOR``, with
    absent fields empty.
    """
    size = "" if dimension is None else str(dimension)
    text = SEPARATOR.join((subject_id, kind, task, fingerprint, model, size))
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class WorkItem:
    """One line of a run's work list: a subject, its images, and the parts requested for it.

    ``subject_id`` is an observation's id, or an asset's if a task takes all its observations
    together. ``bucket`` and ``seq`` are its position in the list.
    """

    run_id: str
    bucket: int
    seq: int
    subject_id: str
    observations: tuple[Observation, ...]
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class ListedMessage:
    """One line of a run's work list, as its message (``sightline.wire``)."""

    body: bytes
    asset_type: str


@dataclass(frozen=True, slots=True)
class WorkRange:
    """The items ``start <= seq < stop`` of one bucket: the unit in which a run is published."""

    run_id: str
    bucket: int
    start: int
    stop: int

    @property
    def key(self) -> str:
        """Return the key under which this range is published once."""
        return f"{self.run_id}/{self.bucket}/{self.start}-{self.stop}"


@dataclass(frozen=True, slots=True)
class BoundingBox:
    """A box in WGS 84 degrees, edges included; west is greater than east if it crosses 180."""

    west: float
    south: float
    east: float
    north: float

    @property
    def meridians(self) -> tuple[float, float]:
        """West and east, such that a box that ends at 180 degrees has -180 in it, too."""
        if self.west == -180 and self.east < 180:
            return 180.0, self.east
        if self.east == 180 and self.west > -180:
            return self.west, -180.0
        return self.west, self.east


@dataclass(frozen=True, slots=True)
class Radius:
    """Everything within ``radius_m`` metres (on the sphere) of a position in WGS 84 degrees."""

    latitude: float
    longitude: float
    radius_m: float


@dataclass(frozen=True, slots=True)
class Filter:
    """Selects observations: those that meet every condition; without conditions, all.

    ``captured_from`` is inclusive, ``captured_until`` exclusive. ``polygon_wkt`` is a
    (multi)polygon in WGS 84 as well-known text, and ``polygon_file`` names where it is from, for
    messages. ``limit`` bounds the subjects of a run, in a stable order.
    """

    asset_types: tuple[str, ...] = ()
    captured_from: datetime | None = None
    captured_until: datetime | None = None
    box: BoundingBox | None = None
    radius: Radius | None = None
    polygon_wkt: str | None = None
    limit: int | None = None
    polygon_file: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class PartRequest:
    """A part requested for every subject it applies to; without asset types, for all.

    ``by_asset`` makes the asset the subject, with all its observations in one request.
    """

    part: Part
    asset_types: tuple[str, ...] = ()
    by_asset: bool = False


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What a run requests. ``engine`` processes it; empty means workers, by messages."""

    filter: Filter
    parts: tuple[PartRequest, ...]
    command: str = ""
    engine: str = ""


@dataclass(frozen=True, slots=True)
class Preview:
    """What a run would request (a dry run): counts of subjects and parts.

    ``matched`` parts are the sum of ``done`` (written), ``dead`` (failed permanently; replay them),
    ``held`` (in the work list of an open run) and ``to_publish``.
    """

    observations: int
    matched: int
    done: int
    dead: int
    held: int
    to_publish: int
    messages: int
    by_asset_type: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """A run whose work list is written; ``state`` is ``open``, ``published`` or ``cancelled``."""

    run_id: str
    created_at: datetime
    state: str
    messages: int
    parts: int
    request_json: str


MOST_TOKENS = 2**31 - 1
"""The most tokens of one part per direction, over all tries: 100 times any model's limit."""

MOST_COST_USD_MICROS = 10**12
"""The highest cost of one part over all tries: a million US dollars."""


@dataclass(frozen=True, slots=True)
class Usage:
    """The usage and cost of one call; 1 USD is 1,000,000 micros."""

    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd_micros: int = 0

    @property
    def possible(self) -> bool:
        """Whether these numbers are possible for calls, and can be stored in every ledger."""
        return (
            _within(self.input_tokens, MOST_TOKENS)
            and _within(self.output_tokens, MOST_TOKENS)
            and _within(self.cost_usd_micros, MOST_COST_USD_MICROS)
        )


def _within(number: object, most: int) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and 0 <= number <= most


@dataclass(frozen=True, slots=True)
class Balance:
    """The parts of a run's work list by state; each part is in exactly one.

    ``awaiting_ack`` counts the written parts whose message is not yet settled; it is zero after a
    drain. ``duplicates`` counts keys that occur more than once in the ``_all`` views.
    """

    run_id: str
    parts: int
    written: int
    dead: int
    queued: int
    to_publish: int
    cancelled: int
    lost: int
    awaiting_ack: int
    duplicates: int

    @property
    def holds(self) -> bool:
        """Return whether nothing is lost or duplicated, and the states add up."""
        states = (self.written, self.dead, self.queued, self.to_publish, self.cancelled, self.lost)
        return self.lost == 0 and self.duplicates == 0 and sum(states) == self.parts

    @property
    def settled(self) -> bool:
        """Return whether no part of the run is still to be done."""
        return self.queued == 0 and self.to_publish == 0 and self.lost == 0


def asset_class(name: str) -> str:
    """Return an asset type as the dataset writes it: ``road_sign`` is ``ASSET_CLASS_ROAD_SIGN``."""
    upper = name.strip().upper().replace("-", "_").replace(" ", "_")
    return upper if upper.startswith("ASSET_CLASS_") else f"ASSET_CLASS_{upper}"


def asset_name(asset_type: str) -> str:
    """Return an asset type as people write it: ``ASSET_CLASS_ROAD_SIGN`` is ``road_sign``."""
    return asset_type.removeprefix("ASSET_CLASS_").lower()


def subject_of(observations: Sequence[Observation], *, by_asset: bool) -> str:
    """Return the subject's id: the asset's, or the single observation's."""
    return observations[0].asset_id if by_asset else observations[0].observation_id
