"""The outcome of an import: counts of everything, and details of the first of each kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

MAX_DETAILS = 1000
"""The most refusals, and notes, with details; the rest are only counted."""


class RefusalReason(StrEnum):
    """Why a file or a row did not become an observation (docs/import.md says what to do)."""

    IMAGE_UNREADABLE = "image_unreadable"
    IMAGE_TOO_LARGE = "image_too_large"
    IMAGE_GONE = "image_gone"
    PERMISSION_DENIED = "permission_denied"
    READ_FAILED = "read_failed"
    DUPLICATE = "duplicate"
    EMPTY_ID = "empty_id"
    BAD_URI = "bad_uri"
    BAD_POSITION = "bad_position"
    BAD_TIME = "bad_time"
    BAD_BBOX = "bad_bbox"
    BAD_CAMERA_POSE = "bad_camera_pose"
    NOT_UTF8 = "not_utf8"
    RAGGED_ROW = "ragged_row"
    ZERO_BYTE = "zero_byte"


@dataclass(frozen=True, slots=True)
class ImportRefusal:
    """A refused file (its path below the folder) or row (``row 17``), and the reason."""

    where: str
    reason: RefusalReason
    detail: str


@dataclass(frozen=True, slots=True)
class Note:
    """A remark on an imported file for the user."""

    where: str
    text: str


@dataclass(frozen=True, slots=True)
class Outside:
    """A file or a row that was imported though its image may not be read, and that image's folder.

    The image is outside all folders that may be read: see ``sightline.local.images.folders``.
    """

    where: str
    folder: str


@dataclass(frozen=True, slots=True)
class ImportReport:
    """The outcome of an import.

    ``imported`` counts new observations and those that ``replaced`` an earlier import of the same
    ID; ``unchanged`` were imported before, with the same content; ``ignored`` are files that are
    not images and do not have an image's suffix. ``outside`` are those imported whose image may not
    be read until its folder is allowed. ``without_position`` and ``by_asset_type`` count what was
    accepted: imported now or before, and neither refused nor a duplicate. ``unused_columns`` are
    those of a table that were not read. ``refusals``, ``notes`` and ``outside`` hold the first
    ``MAX_DETAILS`` each.
    """

    imported: int
    replaced: int
    unchanged: int
    ignored: int
    refused_by_reason: Mapping[str, int]
    refusals: tuple[ImportRefusal, ...]
    notes_count: int
    notes: tuple[Note, ...]
    files: tuple[Path, ...]
    outside_count: int = 0
    outside: tuple[Outside, ...] = ()
    without_position: int = 0
    by_asset_type: Mapping[str, int] = field(default_factory=dict)
    unused_columns: tuple[str, ...] = ()

    @property
    def refused_count(self) -> int:
        """How many files or rows were refused."""
        return sum(self.refused_by_reason.values())

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain values, for JSON."""
        return {
            **asdict(self),
            "refused": self.refused_count,
            "refused_by_reason": dict(self.refused_by_reason),
            "by_asset_type": dict(self.by_asset_type),
            "refusals": [asdict(refusal) for refusal in self.refusals],
            "notes": [asdict(note) for note in self.notes],
            "outside": [asdict(uri) for uri in self.outside],
            "files": [str(path) for path in self.files],
        }


@dataclass(slots=True)
class Tally:
    """Counts during an import; keeps a bounded number of details."""

    ignored: int = 0
    by_reason: Counter[str] = field(default_factory=Counter)
    refusals: list[ImportRefusal] = field(default_factory=list)
    notes_count: int = 0
    notes: list[Note] = field(default_factory=list)
    outside_count: int = 0
    outside: list[Outside] = field(default_factory=list)
    missing_count: int = 0
    backslash_count: int = 0
    without_own_type: int = 0
    without_position: int = 0
    by_asset_type: Counter[str] = field(default_factory=Counter)
    unused_columns: tuple[str, ...] = ()

    def accept(self, asset_type: str, count: int, without_position: int) -> None:
        """Count the observations of a type that were neither refused nor duplicates."""
        self.by_asset_type[asset_type] += count
        self.without_position += without_position

    def refuse(self, where: str, reason: RefusalReason, detail: str) -> None:
        """Count a refusal."""
        self.by_reason[reason.value] += 1
        if len(self.refusals) < MAX_DETAILS:
            self.refusals.append(ImportRefusal(where, reason, detail))

    def note(self, where: str, text: str) -> None:
        """Count a note."""
        self.notes_count += 1
        if len(self.notes) < MAX_DETAILS:
            self.notes.append(Note(where, text))

    def is_outside(self, where: str, folder: str) -> None:
        """Count an image that may not be read yet."""
        self.outside_count += 1
        if len(self.outside) < MAX_DETAILS:
            self.outside.append(Outside(where, folder))

    def report(
        self, *, imported: int, replaced: int, unchanged: int, files: tuple[Path, ...]
    ) -> ImportReport:
        """Return the report when the import has ended."""
        return ImportReport(
            imported=imported,
            replaced=replaced,
            unchanged=unchanged,
            ignored=self.ignored,
            refused_by_reason=dict(sorted(self.by_reason.items())),
            refusals=tuple(self.refusals),
            notes_count=self.notes_count,
            notes=tuple(self.notes),
            files=files,
            outside_count=self.outside_count,
            outside=tuple(self.outside),
            without_position=self.without_position,
            by_asset_type=dict(sorted(self.by_asset_type.items())),
            unused_columns=self.unused_columns,
        )
