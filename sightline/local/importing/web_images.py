"""Advice on images that a table references by web address: what to do, in one command."""

from __future__ import annotations

import shlex
from pathlib import Path

from sightline.local.importing.report import RefusalReason, Tally
from sightline.local.importing.values import ON_THE_WEB

_ADDRESS = r"""https?://([^",;|[:space:]]+\.(jpe?g|JPE?G|png|PNG|webp|WEBP))"""
# A path that leads out of the folder is not fetched: the table may be from a stranger.
_SAVE = 'curl -fsS --create-dirs -o "images/${1#*://}" "$1"'
_FETCH = (
    "grep -oE {address} {file} | grep -vF /../ | xargs -P 8 -I ADDRESS sh -c {save} - ADDRESS;"
    " sed -E {edit} {file} > {local}"
)


def note_web_images(file: Path, tally: Tally) -> None:
    """Note how to fetch and import the images on the web, if any were refused."""
    if not any(
        refusal.reason == RefusalReason.BAD_URI and ON_THE_WEB in refusal.detail
        for refusal in tally.refusals
    ):
        return
    if file.suffix.lower() == ".parquet":
        tally.note(file.name, "images on the web are not read: save the table as CSV, import that")
        return
    local = file.with_name(f"{file.stem}-local{file.suffix}")
    command = _FETCH.format(
        save=shlex.quote(_SAVE),
        address=shlex.quote(_ADDRESS),
        edit=shlex.quote(rf"s#{_ADDRESS}#images/\1#g"),
        file=shlex.quote(file.name),
        local=shlex.quote(local.name),
    )
    tally.note(
        file.name,
        "images on the web are not read; fetch them, and a table that names the copies, in the"
        f" table's folder with `{command}`, and import {local.name}",
    )
