"""Advice on images that a table references on the web or in S3: what to do, in one command."""

from __future__ import annotations

import shlex
from pathlib import Path

from sightline.local.importing.report import RefusalReason, Tally
from sightline.local.importing.values import PLACES

_IMAGE = r"""[^",;|[:space:]]+\.(jpe?g|JPE?G|png|PNG|webp|WEBP)"""
# A path that leads out of the folder is not fetched: the table may be from a stranger.
_FETCHERS = {
    "https": ("https?", 'curl -fsS --create-dirs -o "images/${1#*://}" "$1"'),
    "s3": ("s3", 'aws s3 cp --only-show-errors "$1" "images/${1#*://}"'),
}
"""By scheme: a regular expression of it, and a command that copies an image into ``images``."""

_FETCH = (
    "grep -oE {address} {file} | grep -vF /../ | xargs -P 8 -I ADDRESS sh -c {save} - ADDRESS;"
    " sed -E {edit} {file} > {local}"
)


def note_fetching(file: Path, tally: Tally, *, is_text: bool) -> None:
    """Note how to fetch and import the images on the web or in S3, if any were refused.

    The command can be shown only for a table that ``is_text``.
    """
    for scheme, (schemes, save) in _FETCHERS.items():
        if not any(
            refusal.reason == RefusalReason.BAD_URI and PLACES[scheme] in refusal.detail
            for refusal in tally.refusals
        ):
            continue
        if not is_text:
            tally.note(
                file.name,
                "some images are not on this machine; a command that fetches them is shown if the"
                " table is saved as CSV, and that is imported",
            )
            return
        address = rf"{schemes}://({_IMAGE})"
        local = file.with_name(f"{file.stem}-local{file.suffix}")
        command = _FETCH.format(
            save=shlex.quote(save),
            address=shlex.quote(address),
            edit=shlex.quote(rf"s#{address}#images/\1#g"),
            file=shlex.quote(file.name),
            local=shlex.quote(local.name),
        )
        tally.note(
            file.name,
            "images on the web and in S3 are not read; fetch them, and a table that names the"
            f" copies, in the table's folder with `{command}`, and import {local.name}",
        )
        return
