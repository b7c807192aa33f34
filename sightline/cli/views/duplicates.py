"""What ``sightline duplicates`` shows."""

from __future__ import annotations

from sightline.cli.output import print_table, say
from sightline.operations.duplicates import Duplicates, Places
from sightline.ports import EmbeddedImage


def duplicates_json(result: Duplicates) -> dict[str, object]:
    """Return the document of ``--json``."""
    return {
        "embedded_by": result.embedded_by,
        "images": result.images,
        "at_least": result.at_least,
        "within_asset": result.within_asset,
        "without_asset": result.without_asset,
        "duplicates": result.duplicates,
        "groups": result.groups,
        "largest": [
            {
                "assets": group.assets,
                "images": [
                    image_json(image.image) | {"similarity": image.similarity, "kept": image.kept}
                    for image in group.images
                ],
            }
            for group in result.largest
        ],
    }


def places_json(result: Places) -> dict[str, object]:
    """Return the document of ``--multi-view --json``."""
    return {
        "embedded_by": result.embedded_by,
        "images": result.images,
        "at_least": result.at_least,
        "metres": result.metres,
        "without_asset": result.without_asset,
        "groups": result.groups,
        "largest": [
            {
                "assets": place.assets,
                "views": place.views,
                "images": [
                    image_json(image.image) | {"duplicate": image.duplicate}
                    for image in place.images
                ],
            }
            for place in result.largest
        ],
    }


def image_json(image: EmbeddedImage) -> dict[str, object]:
    """Return the facts about an image."""
    return {
        "observation_id": image.observation_id,
        "asset_id": image.asset_id,
        "asset_type": image.asset_type,
        "gcs_uri": image.gcs_uri,
        "latitude": image.latitude,
        "longitude": image.longitude,
        "capture_time": image.capture_time,
    }


def print_duplicates(result: Duplicates) -> None:
    """Print the largest groups."""
    say(
        f"{result.images:,} images: {result.duplicates:,} are nearly the same as one of"
        f" {result.groups:,} that is kept"
    )
    lines = [
        (len(group.images), group.assets, group.images[0].image.observation_id,
         group.images[1].image.observation_id, min(image.similarity for image in group.images))
        for group in result.largest
    ]  # fmt: skip
    if lines:
        columns = ("images", "assets", "kept", "most similar", "least cosine")
        print_table("", columns, lines, digits=4)


def print_places(result: Places) -> None:
    """Print the places with the most images."""
    say(
        f"{result.images:,} images: {result.groups:,} places are seen from several sides,"
        f" or at several times"
    )
    lines = [
        (len(place.images), place.views, len(place.assets), place.assets[0],
         place.images[0].image.observation_id)
        for place in result.largest
    ]  # fmt: skip
    if lines:
        print_table("", ("images", "views", "assets", "asset", "first image"), lines)
