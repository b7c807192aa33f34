"""``sightline search``: find images by words or by an image."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sightline.cli.filter_options import NO_FILTER, FilterOptions, filtered
from sightline.cli.options import AsJson, HtmlFile, Replace
from sightline.cli.output import progress_bar
from sightline.cli.state import State
from sightline.cli.views.contact_sheets import filters_remark, print_sheet
from sightline.cli.views.search import print_hits, print_plan
from sightline.errors import ConfigurationError
from sightline.operations import search as operations
from sightline.operations.contact_sheets import check_sheet, write_hits

Answer = Annotated[
    list[str] | None,
    typer.Option(help="TASK.FIELD=VALUE that the answer must have; may be repeated."),
]
Top = Annotated[int, typer.Option(help="The number of hits.", min=1, max=10_000)]


@filtered
def search(
    context: typer.Context,
    text: Annotated[str | None, typer.Argument(help="What the image shows.")] = None,
    image: Annotated[
        Path | None, typer.Option(help="Find the images most similar to this one.")
    ] = None,
    top: Top = 10,
    answer: Answer = None,
    chosen: FilterOptions = NO_FILTER,
    html: HtmlFile = None,
    force: Replace = False,
    explain: Annotated[
        bool,
        typer.Option("--explain", help="Show how the search would be executed; search nothing."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Find images by words, by another image, or by answers and filters alone.

    Example: sightline search "leaning wooden pole" --near 52.09,5.12,500
    """
    which = chosen.filter()
    operations.check_query(text, image, answer or (), which)
    if explain and html is not None:
        raise ConfigurationError("--explain searches nothing; leave out --html")
    state: State = context.obj
    state.check_output(html)
    check_sheet(html, force=force)
    answers = operations.answer_filters(answer or (), state.settings())
    if explain:
        by_vector = text is not None or image is not None
        plan = state.read(
            lambda warehouse: operations.explain(
                warehouse, by_vector=by_vector, top=top, which=which, answers=answers
            )
        )
        print_plan(plan, as_json=as_json)
        return
    hits = state.read(
        lambda warehouse: operations.search(
            warehouse, text, image=image, top=top, which=which, answers=answers,
            named=f"--image {image}",
        )
    )  # fmt: skip
    print_hits(hits, as_json=as_json)
    if html is not None:
        title = text or (f"images like {image}" if image else "newest images")
        remarks = filters_remark(chosen, answer or ())
        print_sheet(write_hits(state.settings(), hits, html, title=title, remarks=remarks,
                               force=force, progress=progress_bar))  # fmt: skip
