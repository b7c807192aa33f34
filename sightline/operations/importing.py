"""Imports a folder of photographs, or a table, as observations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sightline.errors import ConfigurationError, NotFoundError
from sightline.geodata.gis_files import is_shapefile_folder, meant_layer, split_layer
from sightline.given_files import obstacle
from sightline.local.importing import (
    AS_IT_STANDS,
    ImportReport,
    Note,
    TableOptions,
    import_photos,
    import_table,
)
from sightline.model import asset_name
from sightline.operations.selection import UNSPECIFIED, bound_types, new_asset_type
from sightline.progress import Progress, no_progress
from sightline.settings import Settings
from sightline.suggestions import did_you_mean
from sightline.wiring.ids import utc_now
from sightline.wiring.paths import source_path


def import_files(
    settings: Settings,
    path: Path,
    *,
    asset_type: str | None = None,
    new_type: bool = False,
    options: TableOptions = AS_IT_STANDS,
    allowed_roots: Sequence[Path] = (),
    progress: Progress = no_progress,
) -> ImportReport:
    """Import a folder of photographs, or a table, as observations. Blocks.

    ``asset_type`` applies where neither a folder's name nor a column gives one; a type that no task
    covers has to be a ``new_type``. ``options`` supply what a table does not say about itself;
    images may also be read from ``allowed_roots``.

    Raises:
        NotFoundError: there is no such file or folder.
        ConfigurationError: the table cannot be used, or the type is not known.
        StorageError: the source cannot be written.
    """
    file, _ = split_layer(path)
    if not file.exists():
        step = meant_layer(path) or "give a folder of photographs or a table"
        raise NotFoundError(f"{path} does not exist; {step}")
    if not file.is_dir() and (what := obstacle(file)):
        raise ConfigurationError(f"{path}: {what}; give a folder of photographs or a table")
    for folder in allowed_roots:
        if not folder.is_dir():
            raise NotFoundError(f"--allow-root {folder} is not a folder; give an existing folder")
    kind = new_asset_type(settings, asset_type, is_new=new_type)
    with progress("importing", None) as update:
        if path.is_dir() and not is_shapefile_folder(path):
            report = import_photos(
                path,
                asset_type=kind or UNSPECIFIED,
                source=source_path(settings),
                now=utc_now(),
                limits=settings.images,
                options=options,
                allowed_roots=allowed_roots,
                on_progress=update,
            )
        else:
            report = import_table(
                path,
                source=source_path(settings),
                now=utc_now(),
                options=options,
                asset_type=kind,
                allowed_roots=allowed_roots,
                known_roots=settings.images.roots,
                on_progress=update,
            )
    return _with_kept_types(with_unknown_types(report, settings, kind), kind)


def with_unknown_types(
    report: ImportReport, settings: Settings, asset_type: str | None
) -> ImportReport:
    """Return the report with a note on each type that no task covers, except ``asset_type``."""
    known = bound_types(settings) | {asset_type}
    names = [asset_name(name) for name in known if name]
    notes = tuple(
        Note(
            f"asset type {asset_name(name)}",
            f"no task covers this type{did_you_mean(asset_name(name), names)};"
            f" observations: {count:,}",
        )
        for name, count in report.by_asset_type.items()
        if name not in known
    )
    return _noted(report, *notes)


def _with_kept_types(report: ImportReport, asset_type: str | None) -> ImportReport:
    """Return the report with a note if the type of earlier imports was to be removed."""
    if asset_type != UNSPECIFIED or not (report.unchanged or report.replaced):
        return report
    text = (
        "images that were imported before keep their type; give another type to change it, such as"
        " one of your own with --new-type"
    )
    return _noted(report, Note("--asset-type unspecified", text))


def _noted(report: ImportReport, *notes: Note) -> ImportReport:
    return replace(
        report, notes=(*notes, *report.notes), notes_count=report.notes_count + len(notes)
    )
