"""``sightline render``: draw pictures for experiments on this machine."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from sightline.cli.options import AsJson
from sightline.cli.output import print_json, progress_bar, remark, say
from sightline.cli.state import State
from sightline.errors import ConfigurationError, StorageError
from sightline.suggestions import did_you_mean
from sightline.vision.pictures import KINDS, render_pictures
from sightline.vision.scenes import render_collection

STREETS = "streets"


def render(
    context: typer.Context,
    kind: Annotated[str, typer.Argument(help="posters, paintings, portraits, or streets.")],
    directory: Annotated[Path, typer.Argument(help="A folder that is empty or does not exist.")],
    count: Annotated[int, typer.Option(help="How many pictures.", min=1, max=100_000)] = 60,
    seed: Annotated[int, typer.Option(help="Other seeds render other pictures.", min=0)] = 2026,
    as_json: AsJson = False,
) -> None:
    """Render pictures and a table of them for import; everything that they show is invented.

    Example: sightline render portraits portraits --count 60
    """
    state: State = context.obj
    _check(kind, directory)
    state.check_output(directory)
    try:
        with progress_bar("rendering", count) as update:
            collection = _rendered(kind, directory, count, seed, lambda done: update(done, None))
    except OSError as error:
        raise StorageError(
            f"{directory}: {error.strerror or error}; give a DIRECTORY that can be written"
        ) from error
    document = {
        "kind": kind,
        "directory": str(directory),
        "pictures": collection.observations,
        "assets": collection.assets,
        "table": str(collection.table),
        "ground_truth": None if collection.ground_truth is None else str(collection.ground_truth),
    }
    if as_json:
        print_json(document)
        return
    pictures = _counted(collection.observations, "picture")
    are = "is" if collection.observations == 1 else "are"
    say(f"{pictures} of {_counted(collection.assets, 'asset')} {are} in {directory}")
    remark(f"next: `sightline import {shlex.quote(str(directory))}`")


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _rendered(kind: str, directory: Path, count: int, seed: int, on_progress: Any) -> Any:
    if kind == STREETS:
        return render_collection(directory, count=count, seed=seed, on_progress=on_progress)
    return render_pictures(kind, directory, count=count, seed=seed, on_progress=on_progress)


def _check(kind: str, directory: Path) -> None:
    """Check the arguments before anything is drawn.

    Raises:
        ConfigurationError: there are no such pictures, or something is in the way.
    """
    kinds = (*KINDS, STREETS)
    if kind not in kinds:
        meant = did_you_mean(kind, kinds)
        raise ConfigurationError(
            f"{kind!r} cannot be rendered{meant}; give one of {', '.join(kinds)}"
        )
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise ConfigurationError(
            f"{directory} exists and is not empty; give another DIRECTORY, or remove it"
        )
