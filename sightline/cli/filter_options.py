"""The options that select observations: declared once, added to every command that uses them."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from sightline.filters import build_filter
from sightline.model import Filter


@dataclass(frozen=True, slots=True)
class FilterOptions:
    """The options as typed."""

    asset_type: Annotated[
        list[str] | None,
        typer.Option("--asset-type", help="Only this type, such as road_sign; may be repeated."),
    ] = None
    since: Annotated[str | None, typer.Option("--from", help="Captured at or after this time.")] = (
        None
    )
    until: Annotated[str | None, typer.Option("--until", help="Captured before this time.")] = None
    box: Annotated[str | None, typer.Option("--box", help="WEST,SOUTH,EAST,NORTH in degrees.")] = (
        None
    )
    near: Annotated[str | None, typer.Option("--near", help="LAT,LON,METRES.")] = None
    polygon: Annotated[
        Path | None,
        typer.Option(
            "--polygon", help="Inside the polygons of a GeoJSON, GeoPackage or Shapefile."
        ),
    ] = None

    def filter(self, limit: int | None = None) -> Filter:
        """Return the filter that the options form together.

        Raises:
            ConfigurationError: one of them is invalid.
        """
        return build_filter(
            asset_types=self.asset_type or [],
            captured_from=self.since,
            captured_until=self.until,
            box=self.box,
            near=self.near,
            polygon=self.polygon,
            limit=limit,
        )

    def named(self) -> tuple[tuple[str, object], ...]:
        """Return each option's name, with its value."""
        return (
            ("--asset-type", self.asset_type),
            ("--from", self.since),
            ("--until", self.until),
            ("--box", self.box),
            ("--near", self.near),
            ("--polygon", self.polygon),
        )


NO_FILTER = FilterOptions()


def typed(options: Sequence[tuple[str, object]]) -> Iterator[str]:
    """Yield the words of the options as typed; a list repeats its option, ``True`` is a flag."""
    for name, value in options:
        if value is True:
            yield name
        elif isinstance(value, list):
            for member in value:
                yield from (name, str(member))
        elif value is not None and value is not False:
            yield from (name, str(value))


def filtered(command: Callable[..., None]) -> Callable[..., None]:
    """Replace a command's parameter ``chosen`` by the options."""
    signature = inspect.signature(command, eval_str=True)
    options = inspect.signature(FilterOptions, eval_str=True).parameters
    parameters: list[inspect.Parameter] = []
    for parameter in signature.parameters.values():
        parameters.extend(options.values() if parameter.name == "chosen" else [parameter])

    @functools.wraps(command)
    def run(**values: Any) -> None:
        chosen = FilterOptions(**{name: values.pop(name) for name in options})
        command(chosen=chosen, **values)

    run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]  # inspect reads it
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run
