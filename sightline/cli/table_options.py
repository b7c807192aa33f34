"""The options that describe a table: what it does not say about itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from sightline.errors import ConfigurationError
from sightline.local.importing import TableOptions

Columns = Annotated[
    list[str] | None,
    typer.Option("--column", help="For a table: name=other, if a column has another name."),
]
Crs = Annotated[
    str | None,
    typer.Option(help="For a table: the CRS of its coordinates if it declares none: EPSG:28992"),
]
Decimal = Annotated[
    str | None,
    typer.Option(help="For a table: the mark before the decimals of its numbers, . or ,"),
]
DateFormat = Annotated[
    str | None,
    typer.Option(help="For a table: the format of times, such as '%d.%m.%Y %H:%M'."),
]


def table_options(
    columns: Sequence[str] | None, crs: str | None, decimal: str | None, date_format: str | None
) -> TableOptions:
    """Return the options as typed.

    Raises:
        ConfigurationError: one of them is invalid.
    """
    names = dict(_column(text) for text in columns or ())
    return TableOptions(columns=names, crs=crs, decimal=decimal, date_format=date_format)


def _column(text: str) -> tuple[str, str]:
    name, equals, other = text.partition("=")
    if not (name and equals and other):
        raise ConfigurationError(f"--column {text!r} is not accepted; give name=other")
    return name, other
