"""Contact sheets: the results of a search or a review, with their images, as one HTML page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from sightline.contact_sheet import (
    ContactSheet,
    Fact,
    ImageCard,
    ReadImage,
    hit_card,
    image_card,
    render_sheet,
)
from sightline.contact_sheet.cards import THUMBNAIL
from sightline.export.targets import check_target
from sightline.operations.images import open_images
from sightline.operations.outliers import Outlier, Outliers
from sightline.operations.search import SearchResult
from sightline.ports import SearchHit
from sightline.progress import Progress, no_progress
from sightline.settings import Settings
from sightline.tasks import value_text
from sightline.whole_files import written_whole
from sightline.wiring.ids import utc_now

Subject = TypeVar("Subject", SearchHit, Outlier)

AT_ONCE = 8
"""The number of images that are read concurrently."""


@dataclass(frozen=True, slots=True)
class WrittenSheet:
    """A written contact sheet: its number of images, and how many could not be read."""

    file: Path
    images: int
    unreadable: int


def check_sheet(file: Path | None, *, force: bool) -> None:
    """Check, before the search, that a requested page can be written.

    Raises:
        ConfigurationError: its folder is missing, or another file is in the way.
    """
    if file is not None:
        check_target(file, force=force)


def write_hits(
    settings: Settings,
    result: SearchResult,
    file: Path,
    *,
    title: str,
    remarks: Sequence[str] = (),
    force: bool = False,
    progress: Progress = no_progress,
) -> WrittenSheet:
    """Write the hits of a search as one page; ``remarks`` are shown above the images.

    Blocks while the images are read. An image that cannot be read is shown with the reason.

    Raises:
        ConfigurationError: as for ``check_sheet``.
        StorageError: the disk is full or read-only.
    """
    check_sheet(file, force=force)
    cards = hit_cards(settings, result.hits, progress)
    return _write(file, ContactSheet(title, [*remarks, *result.remarks], cards, utc_now()))


def sheet_of_hits(
    settings: Settings, hits: Sequence[SearchHit], title: str, remarks: Sequence[str]
) -> bytes:
    """Return images as one page, as ``write_hits`` writes it; blocks while they are read."""
    return render_sheet(ContactSheet(title, remarks, hit_cards(settings, hits), utc_now()))


def write_outliers(
    settings: Settings,
    result: Outliers,
    file: Path,
    *,
    remarks: Sequence[str] = (),
    force: bool = False,
    progress: Progress = no_progress,
) -> WrittenSheet:
    """Write answers for review, with their images, as ``write_hits`` does."""
    check_sheet(file, force=force)
    title = f"outliers of {result.task.name}"
    about = (
        "Answers that those about the most similar images contradict. The score is from 0 to 1:"
        " 1 means that all neighbours agree with each other, and not with the answer."
    )
    cards = outlier_cards(settings, result.outliers, progress)
    return _write(file, ContactSheet(title, [about, *remarks], cards, utc_now()))


def hit_cards(
    settings: Settings, hits: Sequence[SearchHit], progress: Progress = no_progress
) -> list[ImageCard]:
    """Return a card for each hit; blocks while the images are read."""

    def card(hit: SearchHit, read: ReadImage) -> ImageCard:
        return hit_card(hit.observation, hit.score, hit.answers, read)

    return _cards(settings, card, hits, progress)


def outlier_cards(
    settings: Settings, outliers: Sequence[Outlier], progress: Progress = no_progress
) -> list[ImageCard]:
    """Return a card for each answer to review; blocks while the images are read."""

    def card(outlier: Outlier, read: ReadImage) -> ImageCard:
        contradicted = outlier.disagreement
        expected, voters = value_text(contradicted.expected), len(contradicted.neighbours)
        field = outlier.field.replace("_", " ")
        facts = (
            Fact(field, value_text(contradicted.value)),
            Fact("neighbours", f"{expected}, {contradicted.votes} of {voters}"),
        )
        what = f"{field} {value_text(contradicted.value)}"
        return image_card(outlier.image, contradicted.score, facts, read, what=what)

    return _cards(settings, card, outliers, progress)


def _write(file: Path, sheet: ContactSheet) -> WrittenSheet:
    with written_whole(file) as (stream,):
        stream.write(render_sheet(sheet))
    return WrittenSheet(file, len(sheet.cards), sheet.unreadable)


def _cards(
    settings: Settings,
    card: Callable[[Subject, ReadImage], ImageCard],
    subjects: Sequence[Subject],
    progress: Progress,
) -> list[ImageCard]:
    with (
        progress("reading images", len(subjects)) as update,
        open_images(settings) as images,
        ThreadPoolExecutor(min(AT_ONCE, max(1, len(subjects)))) as threads,
    ):
        read = partial(images.read, preferred_size=THUMBNAIL)
        return list(_counted(threads.map(lambda subject: card(subject, read), subjects), update))


def _counted(
    cards: Iterable[ImageCard], update: Callable[[int, int | None], None]
) -> Iterator[ImageCard]:
    for done, card in enumerate(cards, 1):
        yield card
        update(done, None)
