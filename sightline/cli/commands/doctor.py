"""``sightline doctor``: checks what the job needs, and says how to mend what is missing."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Annotated

import typer

from sightline.cli.options import AsJson
from sightline.cli.output import print_json, progress_bar, say
from sightline.cli.state import State
from sightline.redaction import without_secrets

if TYPE_CHECKING:
    from sightline.cli.checkup import Finding

EXIT_UNWELL = 1


def doctor(
    context: typer.Context,
    call_models: Annotated[
        bool,
        typer.Option("--call-models", help="Call each model of the cloud once, which is paid for."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check what the job needs: this machine, and with the gcp engine all that it uses there.

    Each failure is told with the one thing that mends it; one hides no other.
    """
    import asyncio

    from sightline.cli.checkup import examine

    state: State = context.obj
    with progress_bar("checking", None):
        findings = [
            replace(one, detail=without_secrets(one.detail))
            for one in asyncio.run(examine(state, call_models=call_models))
        ]
    if as_json:
        print_json([asdict(one) for one in findings])
    else:
        for one in findings:
            say(f"{_mark(one)} {one.what}: {one.detail}")
            if not one.ok:
                say(f"     mend: {one.mend}")
    if not all(one.ok for one in findings):
        raise typer.Exit(EXIT_UNWELL)


def _mark(finding: Finding) -> str:
    if not finding.ok:
        return "FAIL"
    return "ok  " if finding.checked else "--  "
