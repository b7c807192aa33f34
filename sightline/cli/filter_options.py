"""The options that choose observations: declared once, one parameter of every command with them."""

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
    """The options as they were typed."""

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
        """Return what they mean together.

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
        """Return each option as it is typed, with its value."""
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
    """Yield the words in which options are typed; a list repeats its option, ``True`` is a flag."""
    for name, value in options:
        if value is True:
            yield name
        elif isinstance(value, list):
            for member in value:
                yield from (name, str(member))
        elif value is not None and value is not False:
            yield from (name, str(value))


def filtered(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options in the place of its parameter ``chosen``."""
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
