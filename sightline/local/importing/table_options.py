"""The options of an imported table: what it does not say about itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields

from sightline.errors import ConfigurationError
from sightline.geodata.crs import parse_crs
from sightline.local.importing.times import is_date_pattern


@dataclass(frozen=True, slots=True)
class TableOptions:
    """What the user says about a table that the table does not say itself.

    ``columns`` maps our names to the file's own (``{"gcs_uri": "image"}``). ``crs`` is that of
    coordinates for which the file declares none; the default is degrees of WGS 84. ``decimal`` is
    the decimal mark of numbers that are written as text, and ``date_format`` the pattern of times
    for ``strptime``; by default both are detected if they are unambiguous.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    crs: str | None = None
    decimal: str | None = None
    date_format: str | None = None

    def __post_init__(self) -> None:
        """Check the options.

        Raises:
            ConfigurationError: there is no such CRS, or an option is invalid.
        """
        if self.crs is not None:
            try:
                parse_crs(self.crs, "--crs")
            except ConfigurationError as error:
                raise ConfigurationError(
                    f"--crs {self.crs!r} is not known; give a code, such as EPSG:28992"
                ) from error
        if self.decimal not in {None, ".", ","}:
            raise ConfigurationError(f"--decimal {self.decimal!r} is invalid; give . or ,")
        if self.date_format is not None and not is_date_pattern(self.date_format):
            raise ConfigurationError(
                f"--date-format {self.date_format!r} is invalid; give day, month and year in the"
                " notation of Python, such as '%d.%m.%Y %H:%M'"
            )

    def check_unused(self, reason: str) -> None:
        """Check that no option is given where there is no table.

        Raises:
            ConfigurationError: one is.
        """
        for name in self._given():
            raise ConfigurationError(f"{name} is for a table, and {reason}; leave it out")

    def _given(self) -> Iterator[str]:
        """Yield the names of the options that the user gave, as on the command line."""
        for option in fields(self):
            if getattr(self, option.name) not in (None, {}):
                name = "column" if option.name == "columns" else option.name
                yield f"--{name.replace('_', '-')}"


AS_IT_STANDS = TableOptions()
"""The options for a table that needs none."""
