"""Options that commands of ``sightline tune`` share."""

from __future__ import annotations

from typing import Annotated

import typer

Location = Annotated[
    str | None,
    typer.Option(help="The region of the job and its model; without it vertex.location."),
]
JobName = Annotated[str, typer.Argument(help="The job's number, or its full name.")]
LookEvery = Annotated[
    float, typer.Option(help="Seconds between looks at the job, while it is waited for.", min=0.01)
]
