"""The hits of a search: images with scores and answers, shown as thumbnails in a notebook."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
from PIL import Image

from sightline.contact_sheet import render_grid
from sightline.model import Observation
from sightline.operations.contact_sheets import hit_cards, write_hits
from sightline.operations.images import read_image
from sightline.operations.search import SearchResult
from sightline.ports import SearchHit
from sightline.settings import Settings
from sightline.workspace.argument_names import errors_in_python
from sightline.workspace.tables import Table

SHOWN_HITS = 24


@dataclass(frozen=True, slots=True)
class Hit:
    """A hit: an image with its score and answers."""

    _hit: SearchHit
    _settings: Settings

    @property
    def observation(self) -> Observation:
        """The image's identity, position and time."""
        return self._hit.observation

    @property
    def score(self) -> float | None:
        """The cosine similarity, from -1 to 1; ``None`` if only answers were requested."""
        return self._hit.score

    @property
    def answers(self) -> Mapping[str, Mapping[str, object]]:
        """The current answers about the image: by task, and then by field."""
        return self._hit.answers

    def image(self) -> Image.Image:
        """Return the image, upright, in RGB; blocks while the image is read.

        Raises:
            PermanentError: the image is missing or unreadable.
        """
        return read_image(self._settings, self.observation.gcs_uri)

    def _repr_html_(self) -> str:
        return render_grid(hit_cards(self._settings, [self._hit]))


class Hits(Sequence[Hit]):
    """The hits of a search, best first.

    ``unknown_words`` are words of the query that the model does not know; ``emptied`` names the
    filter that left nothing; ``remarks`` are sentences about the hits.
    """

    def __init__(self, result: SearchResult, settings: Settings) -> None:
        self._result = result
        self._settings = settings
        self._hits = [Hit(hit, settings) for hit in result.hits]
        self.unknown_words = tuple(result.unknown_words)
        self.emptied = result.emptied
        self.remarks = tuple(result.remarks)

    def __len__(self) -> int:
        return len(self._hits)

    def __iter__(self) -> Iterator[Hit]:
        return iter(self._hits)

    def __getitem__(self, index: Any) -> Any:
        return self._hits[index]

    def __repr__(self) -> str:
        best = f", the best {self._hits[0].score}" if self._hits else ""
        return f"<Hits: {len(self)}{best}>"

    def table(self) -> Table:
        """Return the hits as a table: score, the image's identity, position and time, answers."""
        return Table(self.to_arrow())

    def to_arrow(self) -> pa.Table:
        """Return an Arrow table, one row per hit; ``answers`` is a column of JSON."""
        schema = pa.schema(
            [
                ("score", pa.float64()),
                *((name, pa.string()) for name in _TEXTS),
                ("latitude", pa.float64()),
                ("longitude", pa.float64()),
                ("capture_time", pa.timestamp("us", tz="UTC")),
                ("answers", pa.string()),
            ]
        )
        rows = [
            {
                "score": hit.score,
                **{name: getattr(hit.observation, name) for name in (*_TEXTS, *_PLACE_AND_TIME)},
                "answers": orjson.dumps(hit.answers).decode(),
            }
            for hit in self._hits
        ]
        return pa.Table.from_pylist(rows, schema)

    def to_pandas(self) -> Any:
        """Return a ``pandas.DataFrame``; raises as ``Table.to_pandas`` does."""
        return self.table().to_pandas()

    def to_geopandas(self) -> Any:
        """Return a ``geopandas.GeoDataFrame``; raises as ``Table.to_geopandas`` does."""
        return self.table().to_geopandas()

    def to_html(
        self, file: str | Path, *, title: str = "search results", force: bool = False
    ) -> None:
        """Write a self-contained page with the images; blocks meanwhile.

        Raises:
            ConfigurationError: the file exists, or its folder does not.
            StorageError: the disk is full or read-only.
        """
        with errors_in_python():
            write_hits(self._settings, self._result, Path(file), title=title, force=force)

    def _repr_html_(self) -> str:
        cards = hit_cards(self._settings, self._result.hits[:SHOWN_HITS])
        remarks = "".join(f"<p>{html.escape(line)}</p>" for line in self.remarks)
        return render_grid(cards, more=max(0, len(self) - SHOWN_HITS)) + remarks


_TEXTS = ("observation_id", "asset_id", "snapshot_id", "asset_type", "gcs_uri")
_PLACE_AND_TIME = ("latitude", "longitude", "capture_time")
