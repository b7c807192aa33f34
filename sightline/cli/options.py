"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

EngineName = Annotated[
    str | None,
    typer.Option(
        "--engine",
        help="local, gcp, or one without workers: bigquery, batch; default: the setting.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
RunId = Annotated[str | None, typer.Option("--run", help="Only this run.")]
TaskNames = Annotated[
    list[str] | None,
    typer.Option(
        "--task", help="Only this task; default: every task that is bound to asset types."
    ),
]
Limit = Annotated[
    int | None,
    typer.Option("--limit", help="Only this many of the matching subjects, done or not."),
]
Embed = Annotated[bool, typer.Option("--embed/--no-embed", help="Embed every image, for search.")]
EmbedOnly = Annotated[
    bool, typer.Option("--embed-only", help="Embed every image, and ask no task.")
]
MaxCost = Annotated[
    float | None,
    typer.Option(
        "--max-cost", min=0, max=1e6, help="The most that the run may cost, in US dollars."
    ),
]
MaxImages = Annotated[
    int | None, typer.Option("--max-images", help="The most images that may be sent to a model.")
]
Confidence = Annotated[
    str | None,
    typer.Option(help="A field from 0 to 1 that weighs an answer by its confidence."),
]
HalfLife = Annotated[
    float,
    typer.Option(
        "--half-life",
        help="Days after which an image's weight is halved; 0: age does not matter.",
        min=0,
        max=100_000,
    ),
]
Fields = Annotated[
    list[str] | None,
    typer.Option("--field", help="Only this field of the task; may be repeated."),
]
HtmlFile = Annotated[
    Path | None,
    typer.Option("--html", help="Write a self-contained page with the images, too."),
]
Replace = Annotated[bool, typer.Option("--force", help="Replace an existing file.")]
OutFile = Annotated[
    Path | None,
    typer.Option(
        "--out",
        help="Write one row per asset: .parquet, .geoparquet, .geojson, .gpkg, .csv or .jsonl.",
    ),
]
