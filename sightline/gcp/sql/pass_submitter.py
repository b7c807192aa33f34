"""The port through which a pass asks a model: the only difference between the two engines here.

A pass is submitted as a BigQuery statement (``by_statement``) or as a Vertex AI batch job
(``sightline.gcp.batch``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from sightline.gcp.bigquery.client import Value
from sightline.gcp.sql.images import Images
from sightline.model import Part
from sightline.ports import PartBatch


@dataclass(frozen=True, slots=True)
class BatchPass:
    """One pass over a batch. Table names are quoted.

    ``name`` is the name of the statement or job; a process that replaces a killed one computes the
    same name. ``batch_name`` is the common prefix of the names of all passes over the batch.
    ``chosen_table`` holds the parts to ask about, ``responses_table`` the responses, and
    ``staging_table`` the output of a batch job before it is copied into ``responses_table``.
    ``listed`` is the query of the batch's parts, and ``values`` are its parameters.
    """

    batch: PartBatch
    number: int
    name: str
    batch_name: str
    chosen_table: str
    responses_table: str
    staging_table: str
    listed: str
    values: Mapping[str, Value]


class PassSubmitter(Protocol):
    """Asks a model about chosen parts, and stores each response once in ``responses_table``.

    Every method may raise TransientError, ConfigurationError and NotFoundError.
    """

    @property
    def images(self) -> Images:
        """How the chosen parts name their images."""
        ...

    async def prepare(self, part: Part) -> None:
        """Create what the calls about a part need, if it does not exist.

        Raises:
            ConfigurationError: this engine cannot call the part's model.
        """
        ...

    async def ask(self, batch_pass: BatchPass) -> None:
        """Ask about the parts in ``chosen_table``; if this pass is already running, wait for it."""
        ...

    async def wait(self, batch_pass: BatchPass) -> bool:
        """Wait for the statement or job of this pass, if one exists.

        Return whether one exists and has succeeded; its responses are then in ``responses_table``.
        """
        ...

    async def clear(self, batch_name: str) -> None:
        """Remove the files of a finished batch."""
        ...
