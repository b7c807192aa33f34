"""Options that commands of ``sightline tune`` share."""

from __future__ import annotations

from typing import Annotated

import typer

Location = Annotated[
    str | None,
    typer.Option(help="The region of the job and its model; default: vertex.location."),
]
JobName = Annotated[str, typer.Argument(help="The job's number, or its full name.")]
LookEvery = Annotated[
    float,
    typer.Option(help="Seconds between checks of the job, while waiting.", min=0.01, max=86_400),
]
