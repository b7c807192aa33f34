"""Who asks about the parts chosen for a pass: the one thing in which engines differ here.

A statement of BigQuery's asks (``by_statement``), or a job of Vertex AI's
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
    """One pass over a batch. Tables are quoted.

    ``name`` is that of whatever asks, the same for a process that comes after one that was killed;
    ``batch_name`` is what the names of all passes over the batch begin with. ``listed`` is the
    query of the batch's parts, and ``values`` are bound to it.
    """

    batch: PartBatch
    number: int
    name: str
    batch_name: str
    to_ask: str
    asked: str
    said: str
    listed: str
    values: Mapping[str, Value]


class PassSubmitter(Protocol):
    """Asks a model about chosen parts, and brings what it says into the table ``asked``, once.

    Every method may raise TransientError, ConfigurationError and NotFoundError.
    """

    @property
    def images(self) -> Images:
        """How the chosen parts name their images."""
        ...

    async def prepare(self, part: Part) -> None:
        """Make what asking about a part needs, if it is not there.

        Raises:
            ConfigurationError: its model cannot be asked so.
        """
        ...

    async def ask(self, batch_pass: BatchPass) -> None:
        """Ask about the parts in ``to_ask``; what is under way for this pass is waited for."""
        ...

    async def wait(self, batch_pass: BatchPass) -> bool:
        """Wait for what is under way for this pass, if anything is.

        Return whether there was, and it ended: what was said is in the table then.
        """
        ...

    async def clear(self, batch_name: str) -> None:
        """Remove what asking about a batch left behind; nothing of it is needed any more."""
        ...
