"""What a search found: images with scores and answers, which a notebook shows as thumbnails."""

from __future__ import annotations

import base64
import html
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import orjson
import pyarrow as pa
from PIL import Image

from sightline.errors import SightlineError
from sightline.model import Observation
from sightline.ports import SearchHit
from sightline.workspace.tables import Table

THUMBNAIL = (192, 192)
SHOWN_HITS = 24

ReadImage = Callable[[str], Image.Image]


@dataclass(frozen=True, slots=True)
class Hit:
    """An image that was found.

    ``score`` is the cosine, from -1 to 1; ``None`` where only answers were asked for. ``answers``
    are the current answers about the image: by task, and then by field.
    """

    observation: Observation
    score: float | None
    answers: Mapping[str, Mapping[str, object]]
    _read_image: ReadImage

    def image(self) -> Image.Image:
        """Return the image, upright, in RGB; it blocks while the image is read.

        Raises:
            PermanentError: the image is gone or unreadable.
        """
        return self._read_image(self.observation.gcs_uri)

    def figure(self) -> str:
        """Return the hit as HTML: a thumbnail, its score and its answers."""
        score = "" if self.score is None else f"{self.score:.3f}"
        answers = "; ".join(
            f"{task}: " + ", ".join(f"{name} {value}" for name, value in answer.items())
            for task, answer in self.answers.items()
        )
        return (
            f'<figure style="display:inline-block;margin:4px;width:{THUMBNAIL[0]}px">'
            f"{self._thumbnail()}<figcaption><b>{score}</b> {html.escape(answers)}</figcaption>"
            "</figure>"
        )

    def _repr_html_(self) -> str:
        return self.figure()

    def _thumbnail(self) -> str:
        try:
            picture = self.image()
        except SightlineError as error:
            return f"<p>{html.escape(str(error))}</p>"
        picture.thumbnail(THUMBNAIL)
        content = BytesIO()
        picture.save(content, "JPEG", quality=80)
        encoded = base64.b64encode(content.getvalue()).decode()
        return f'<img alt="" src="data:image/jpeg;base64,{encoded}">'


class Hits(Sequence[Hit]):
    """Images that were found, the best first; ``unknown_words`` of the query the model lacks."""

    def __init__(
        self, hits: Sequence[SearchHit], unknown_words: Sequence[str], read_image: ReadImage
    ) -> None:
        self._hits = [Hit(hit.observation, hit.score, hit.answers, read_image) for hit in hits]
        self.unknown_words = tuple(unknown_words)

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
        """Return the hits as a table: score, the image's identity, place and time, answers."""
        return Table(self.to_arrow())

    def to_arrow(self) -> pa.Table:
        """Return a table of Arrow, a row a hit; ``answers`` is a column of JSON."""
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

    def _repr_html_(self) -> str:
        shown = "".join(
            hit._repr_html_() for hit in self._hits[:SHOWN_HITS]
        )  # the same class of object shows its parts
        more = len(self) - SHOWN_HITS
        return shown + (f"<p>and {more:,} more</p>" if more > 0 else "")


_TEXTS = ("observation_id", "asset_id", "snapshot_id", "asset_type", "gcs_uri")
_PLACE_AND_TIME = ("latitude", "longitude", "capture_time")
