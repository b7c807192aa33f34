"""What the tests of the cloud's adapters share."""

from __future__ import annotations

from datetime import date

from sightline.model import Observation

GEMINI = "gemini-3.5-flash"
TOKEN = "ya29.a-very-secret-token"  # the shape of a real one
DAY = date(2026, 11, 20)


def seen(number: int = 1) -> Observation:
    """Return an observation of one image."""
    return Observation(
        observation_id=f"o{number}",
        asset_id="a1",
        snapshot_id="s1",
        asset_type="ASSET_CLASS_ROAD_SIGN",
        gcs_uri=f"gs://images/s1/v0/o{number}.jpg",
    )
