"""``sightline similar``: find the images most similar to an image."""

from __future__ import annotations

from typing import Annotated

import typer

from sightline.cli.commands.search import Answer, Top
from sightline.cli.filter_options import NO_FILTER, FilterOptions, filtered
from sightline.cli.options import AsJson, HtmlFile, Replace
from sightline.cli.output import progress_bar
from sightline.cli.state import State
from sightline.cli.views.contact_sheets import filters_remark, print_sheet
from sightline.cli.views.search import print_hits
from sightline.operations import search as operations
from sightline.operations.contact_sheets import check_sheet, write_hits


@filtered
def similar(
    context: typer.Context,
    what: Annotated[str, typer.Argument(help="An image file, or an observation's id.")],
    top: Top = 10,
    answer: Answer = None,
    chosen: FilterOptions = NO_FILTER,
    html: HtmlFile = None,
    force: Replace = False,
    as_json: AsJson = False,
) -> None:
    """Find the images most similar to another, which itself is left out.

    For an observation its stored vector is used, so that no model is called. Example: sightline
    similar pole.jpg --top 5
    """
    which = chosen.filter()
    state: State = context.obj
    state.check_output(html)
    check_sheet(html, force=force)
    answers = operations.answer_filters(answer or (), state.settings())
    hits = state.read(
        lambda warehouse: operations.similar(warehouse, what, top=top, which=which, answers=answers)
    )
    print_hits(hits, as_json=as_json)
    if html is not None:
        remarks = filters_remark(chosen, answer or ())
        print_sheet(write_hits(state.settings(), hits, html, title=f"images like {what}",
                               remarks=remarks, force=force, progress=progress_bar))  # fmt: skip
