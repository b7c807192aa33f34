"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

EngineName = Annotated[
    str | None,
    typer.Option(
        "--engine",
        help="local, gcp, or one that needs no workers: bigquery, batch; the setting by default.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
RunId = Annotated[str | None, typer.Option("--run", help="Only this run.")]
TaskNames = Annotated[
    list[str] | None,
    typer.Option(
        "--task", help="Only this task; without it every task that is bound to asset types."
    ),
]
Limit = Annotated[
    int | None,
    typer.Option("--limit", help="Only the first so many subjects that match, done or not."),
]
Embed = Annotated[bool, typer.Option("--embed/--no-embed", help="Embed every image, for search.")]
EmbedOnly = Annotated[
    bool, typer.Option("--embed-only", help="Embed every image, and ask no task.")
]
MaxCost = Annotated[
    float | None, typer.Option("--max-cost", help="US dollars that the run may cost.")
]
MaxImages = Annotated[
    int | None, typer.Option("--max-images", help="Images that may be sent to a model.")
]
Confidence = Annotated[
    str | None,
    typer.Option(help="A field from 0 to 1, the confidence of an answer, as its weight."),
]
HalfLife = Annotated[
    float,
    typer.Option(
        "--half-life", help="Days after which an image weighs half; 0 lets age not matter.", min=0
    ),
]
Fields = Annotated[
    list[str] | None,
    typer.Option("--field", help="Only this field of the task; may be repeated."),
]
HtmlFile = Annotated[
    Path | None,
    typer.Option("--html", help="Write a page with the images, too; it needs no other file."),
]
Replace = Annotated[bool, typer.Option("--force", help="Replace a file that is there.")]
OutFile = Annotated[
    Path | None,
    typer.Option(
        "--out",
        help="Write a row an asset: .parquet, .geoparquet, .geojson, .gpkg, .csv or .jsonl.",
    ),
]
