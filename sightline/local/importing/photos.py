"""Imports photographs as observations, identified by their content, with facts from their EXIF."""

from __future__ import annotations

import hashlib
import os
import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path

import orjson
import pyarrow as pa

from sightline.errors import NotFoundError, PermanentError, TransientError
from sightline.local.images import decode_image, looks_like_image, read_bytes
from sightline.local.importing.exif import ExifFacts, read_exif
from sightline.local.importing.report import ImportReport, RefusalReason, Tally
from sightline.local.importing.roots import ImportRoots
from sightline.local.importing.staging import ROW, STAGED_SCHEMA, UNSPECIFIED, WHERE, Staging
from sightline.local.importing.table_options import AS_IT_STANDS, TableOptions
from sightline.local.importing.tables import import_table
from sightline.model import asset_class
from sightline.settings import ImageSettings
from sightline.suggestions import is_plural_of
from sightline.vision.images import open_image

Progress = Callable[[int, int | None], None]
TABLES = ("observations.csv", "observations.parquet")
FOLDER_TYPES = ("road_sign", "utility_pole", "maintenance_cover")
"""Names of folders, directly below the imported one, that give their photographs' asset type."""

IMAGE_SUFFIXES = frozenset(
    (
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp"),
        *(".heic", ".heif", ".avif", ".tif", ".tiff", ".gif", ".bmp", ".dng"),
    )
)
"""Files with these suffixes must be images; others are examined, and ignored if they are not."""

_GLANCE = (256, 256)  # small, since the whole file is read all the same
_THREADS = 2
_ROWS = 1000


@dataclass(frozen=True, slots=True)
class _Photo:
    """A photograph in memory."""

    observation_id: str
    exif: bytes


_Examined = _Photo | PermanentError | TransientError | None


def import_photos(
    directory: Path,
    *,
    asset_type: str,
    source: Path,
    now: datetime,
    limits: ImageSettings,
    options: TableOptions = AS_IT_STANDS,
    allowed_roots: Sequence[Path] = (),
    on_progress: Progress | None = None,
) -> ImportReport:
    """Import a folder of photographs (JPEG, PNG, WebP by content), including all its subfolders.

    Each becomes an observation of its own asset; its ID is the first 32 hexadecimal digits of its
    SHA-256, so that importing again changes nothing. The folder names in ``FOLDER_TYPES`` override
    ``asset_type``. Linked folders, and files and folders whose name begins with a dot, are skipped.
    A folder with an ``observations.csv`` or ``observations.parquet`` is imported through that
    table, with these ``options``.

    The folder and ``allowed_roots`` are recorded as folders that images may be read from; the
    report lists links that lead elsewhere, except to ``limits.roots``.

    Raises:
        NotFoundError: there is no such folder.
        ConfigurationError: the table in the folder cannot be used, or ``options`` have none.
        StorageError: the source folder cannot be written; then nothing is imported.
    """
    if not directory.is_dir():
        raise NotFoundError(f"{directory} is not a folder; give a folder or a CSV/Parquet file")
    if (table := table_in(directory)) is not None:
        return import_table(
            table,
            source=source,
            now=now,
            options=options,
            asset_type=asset_type,
            allowed_roots=allowed_roots,
            known_roots=limits.roots,
            on_progress=on_progress,
        )
    options.check_unused(f"{directory} is a folder of photographs")
    root = directory.absolute()
    tally = Tally()
    roots = ImportRoots(source, (root, *allowed_roots), limits.roots)
    with Staging(source) as staging:
        rows = _rows(root, asset_type, limits, roots, tally, on_progress)
        while batch := list(islice(rows, _ROWS)):
            staging.add(pa.Table.from_pylist(batch, schema=STAGED_SCHEMA))
        roots.record(now=now)
        published = staging.publish(now=now, tally=tally)
    if asset_type != UNSPECIFIED and tally.by_asset_type and not tally.without_own_type:
        tally.note(directory.name, "--asset-type was not used: each folder's name gives a type")
    return tally.report(
        imported=published.imported,
        replaced=published.replaced,
        unchanged=published.unchanged,
        files=published.files,
    )


def table_in(directory: Path) -> Path | None:
    """Return the table through which a folder is imported, if it has one."""
    return next((directory / name for name in TABLES if (directory / name).is_file()), None)


def _rows(
    root: Path,
    asset_type: str,
    limits: ImageSettings,
    roots: ImportRoots,
    tally: Tally,
    on_progress: Progress | None,
) -> Iterator[dict[str, object]]:
    snapshot_id = "import-" + (re.sub(r"[^\w.-]+", "-", root.name) or "root")
    total = sum(1 for _ in _files(root, Tally())) if on_progress else None
    for number, (path, examined) in enumerate(_examined(_files(root, tally), limits), start=1):
        if on_progress is not None:
            on_progress(number, total)
        where = _shown(path.relative_to(root))
        match examined:
            case None:
                tally.ignored += 1
            case _Photo():
                roots.look_closely(where, path, tally)
                facts = read_exif(examined.exif)
                for text in facts.notes:
                    tally.note(where, text)
                own_type = folder_type(path.relative_to(root).parts[0])
                tally.without_own_type += own_type is None
                kind = own_type or asset_type
                row = _row(examined.observation_id, path, snapshot_id, kind, facts)
                yield row | {ROW: number, WHERE: where}
            case PermanentError():
                tally.refuse(where, RefusalReason(examined.reason.value), examined.detail)
            case TransientError():
                tally.refuse(where, RefusalReason.READ_FAILED, str(examined))


def folder_type(name: str) -> str | None:
    """Return the asset type in a folder's name, in the singular or the plural."""
    meant = (known for known in FOLDER_TYPES if is_plural_of(name, known))
    return next(map(asset_class, meant), None)


def _row(
    observation_id: str, path: Path, snapshot_id: str, asset_type: str, facts: ExifFacts
) -> dict[str, object]:
    pose = facts.camera_pose
    known = {} if pose is None else {k: v for k, v in asdict(pose).items() if v is not None}
    return {
        "observation_id": observation_id,
        "asset_id": observation_id,
        "snapshot_id": snapshot_id,
        "asset_type": asset_type,
        "gcs_uri": path.as_uri(),
        "latitude": facts.latitude,
        "longitude": facts.longitude,
        "capture_time": facts.capture_time,
        "camera_pose": orjson.dumps(known).decode() if known else None,
    }


def _files(root: Path, tally: Tally) -> Iterator[Path]:
    """Yield the files below a folder in a stable order; hidden ones are counted as ignored."""

    def refuse(error: OSError) -> None:
        where = _shown(Path(error.filename).relative_to(root))
        tally.refuse(where, RefusalReason.PERMISSION_DENIED, f"{error.strerror}; allow reading it")

    for folder, folders, names in os.walk(root, onerror=refuse):
        folders[:] = sorted(
            (folder for folder in folders if not folder.startswith(".")), key=os.fsencode
        )
        for name in sorted(names, key=os.fsencode):
            if name.startswith("."):
                tally.ignored += 1
            else:
                yield Path(folder, name)


def _examined(paths: Iterator[Path], limits: ImageSettings) -> Iterator[tuple[Path, _Examined]]:
    """Examine files in threads, a few ahead, and yield them in their order."""
    ahead: deque[tuple[Path, Future[_Examined]]] = deque()
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="sightline-import") as pool:
        try:
            for path in paths:
                ahead.append((path, pool.submit(_examine, path, limits)))
                if len(ahead) > 2 * _THREADS:
                    first, future = ahead.popleft()
                    yield first, future.result()
            while ahead:
                first, future = ahead.popleft()
                yield first, future.result()
        finally:
            for _, future in ahead:
                future.cancel()


def _examine(path: Path, limits: ImageSettings) -> _Examined:
    """Read a file; ``None`` if it is not an image and does not have an image's suffix."""
    uri = path.as_uri()
    if path.suffix.lower() not in IMAGE_SUFFIXES and not looks_like_image(uri):
        return None
    try:
        content = read_bytes(uri, max_bytes=limits.max_bytes)
        decode_image(content, uri, max_pixels=limits.max_pixels, preferred_size=_GLANCE)
        exif = open_image(content, uri).info.get("exif", b"")
    except (PermanentError, TransientError) as error:
        return error
    return _Photo(hashlib.sha256(content).hexdigest()[:32], exif)


def _shown(path: Path) -> str:
    """Return a path as text, even if its bytes are not valid text."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
