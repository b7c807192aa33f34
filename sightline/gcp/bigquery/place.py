"""The location of the warehouse: a project's dataset, at Google or on an emulator."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from sightline.errors import ConfigurationError
from sightline.schema import LEDGERS, VIEWS

_NAME = re.compile(r"[A-Za-z0-9_-]{1,1024}")
_PROJECT = re.compile(r"[a-z0-9.:-]{1,100}")
_TABLE = re.compile(r"(?P<project>[a-z0-9.:-]+)\.(?P<dataset>\w+)\.(?P<table>[\w-]+)")


@dataclass(frozen=True, slots=True)
class BigQueryPlace:
    """A dataset. ``endpoint`` (a URL) and ``storage_endpoint`` (``host:port``) are an emulator's.

    Emulators are called in clear text and without credentials. ``max_bytes_billed`` limits the cost
    of one query.
    """

    project: str
    dataset: str
    location: str = "US"
    endpoint: str | None = None
    storage_endpoint: str | None = None
    max_bytes_billed: int = 100 << 30

    def __post_init__(self) -> None:
        """Check the names, since statements contain them.

        Raises:
            ConfigurationError: a name is invalid.
        """
        if not _PROJECT.fullmatch(self.project):
            raise ConfigurationError(
                f"gcp.project = {self.project!r} is not accepted; accepted: a project's id"
            )
        if not re.fullmatch(r"\w{1,1024}", self.dataset):
            raise ConfigurationError(
                f"bigquery.dataset = {self.dataset!r} is not accepted; accepted: letters, digits"
                " and underscores"
            )

    def table(self, name: str) -> str:
        """Return a table or view of the dataset, quoted for a statement."""
        if not _NAME.fullmatch(name):
            raise ConfigurationError(
                f"{name[:80]!r} is not a valid name of a table; use letters, digits, _"
            )
        return f"`{self.project}.{self.dataset}.{name}`"

    def names(self) -> Mapping[str, str]:
        """Return the quoted names of all ledgers and views with fixed names."""
        names = [*(ledger.name for ledger in LEDGERS), *(view.name for view in VIEWS)]
        return {name: self.table(name) for name in names}

    def table_path(self, name: str) -> str:
        """Return a table's resource name, as the Storage APIs expect it."""
        return f"projects/{self.project}/datasets/{self.dataset}/tables/{name}"


def checked_table(full_name: str, setting: str) -> str:
    """Return ``project.dataset.table`` quoted for a statement.

    Raises:
        ConfigurationError: it is not such a name; the message names ``setting``.
    """
    if not _TABLE.fullmatch(full_name):
        raise ConfigurationError(
            f"{setting} = {full_name!r} is not accepted; accepted: project.dataset.table"
        )
    return f"`{full_name}`"
