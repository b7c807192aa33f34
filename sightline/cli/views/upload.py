"""What ``sightline upload`` shows."""

from __future__ import annotations

from dataclasses import asdict

from sightline.cli.characters import printable
from sightline.cli.output import remark, say
from sightline.operations.upload import FolderLoad, FolderUpload

SHOWN = 10


def upload_json(result: FolderUpload) -> dict[str, object]:
    """Return the document of ``--json``."""
    return {
        "uri": result.uri,
        "uploaded": result.uploaded,
        "replaced": result.replaced,
        "there": result.there,
        "bytes_sent": result.bytes_sent,
        "failed": result.failed,
        "failures": result.failures,
        "observations": None if result.observations is None else _load_json(result.observations),
    }


def _load_json(result: FolderLoad) -> dict[str, object]:
    return {
        "table": result.load.table,
        "loaded": result.load.rows,
        "total": result.load.total,
        "refused": result.refused,
        "refusals": result.refusals,
        "without_image": result.load.without_image,
        "left_out": result.load.left_out,
        "notes": [asdict(note) for note in result.notes],
    }


def print_upload(result: FolderUpload) -> None:
    """Print how many files were uploaded, and how many observations were loaded."""
    say(
        f"{result.uploaded:,} uploaded, {result.replaced:,} replaced, {result.there:,}"
        f" there already, {result.failed:,} failed ({result.bytes_sent / 1e6:,.1f} MB sent)"
    )
    for failure in result.failures:
        say(f"  failed {failure}")
    say(result.uri)
    if result.observations is None:
        remark("next: `sightline upload ... --source-table TABLE` makes their observations")
        return
    refused, load = result.observations.refused, result.observations.load
    say(
        f"{load.rows:,} observations loaded into {load.table} ({load.total:,} there),"
        f" {refused:,} refused, {load.without_image:,} without an image"
    )
    for line in [*result.observations.refusals[:SHOWN], *load.left_out[:SHOWN]]:
        say(f"  left out {line}")
    for note in result.observations.notes[:SHOWN]:
        say(printable(f"  note on {note.where}: {note.text}"))
    if result.is_source:
        remark("next: `sightline setup`, then `sightline enqueue --dry-run`")
    else:
        remark(f'next: set bigquery.source = "{load.table}", then `sightline setup`')
