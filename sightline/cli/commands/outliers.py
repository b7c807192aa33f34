"""``sightline outliers``: answers that disagree with those about the most similar images."""

from __future__ import annotations

from typing import Annotated

import typer

from sightline.cli.filter_options import NO_FILTER, FilterOptions, filtered
from sightline.cli.options import AsJson, HtmlFile, Replace
from sightline.cli.output import print_json, progress_bar
from sightline.cli.state import State
from sightline.cli.views.contact_sheets import filters_remark, print_sheet
from sightline.cli.views.outliers import outliers_json, print_outliers
from sightline.operations.contact_sheets import check_sheet, write_outliers
from sightline.operations.outliers import outliers as run


@filtered
def outliers(
    context: typer.Context,
    task: Annotated[
        str | None, typer.Argument(help="A task; required if there are several.")
    ] = None,
    field: Annotated[
        list[str] | None,
        typer.Option(help="Only this field; may be repeated. Default: all that can be compared."),
    ] = None,
    neighbours: Annotated[
        int,
        typer.Option(help="The number of nearest images that vote on an answer.", min=1, max=1000),
    ] = 10,
    at_least: Annotated[
        float, typer.Option(help="The lowest score, from 0 to 1.", min=0, max=1)
    ] = 0.5,
    top: Annotated[
        int, typer.Option(help="The number of answers to show.", min=1, max=10_000)
    ] = 20,
    chosen: FilterOptions = NO_FILTER,
    html: HtmlFile = None,
    force: Replace = False,
    as_json: AsJson = False,
) -> None:
    """Find answers that disagree with those about the most similar images, for review.

    Example: sightline outliers road_signs --field sign_type --top 50
    """
    which = chosen.filter()
    state: State = context.obj
    state.must_exist()
    state.check_output(html)
    check_sheet(html, force=force)
    result = state.read_answers(
        which,
        lambda warehouse: run(
            warehouse,
            task,
            which=which,
            fields=field or (),
            neighbours=neighbours,
            at_least=at_least,
            top=top,
            progress=progress_bar,
        ),
    )
    print_json(outliers_json(result)) if as_json else print_outliers(result)
    if html is not None:
        print_sheet(write_outliers(state.settings(), result, html, remarks=filters_remark(chosen),
                                   force=force, progress=progress_bar))  # fmt: skip
