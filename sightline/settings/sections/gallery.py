"""Settings of the page that `sightline gallery` serves."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from sightline.settings.endpoints import HostNames, Url, names_in
from sightline.settings.fields import STRICT, Checked

_TEXTS = Checked.pattern(r"\S{1,320}", "an address such as ann@example.org, or @example.org")


@dataclass(frozen=True, slots=True, config=STRICT)
class GallerySettings:
    """What the page shows and keeps, and who may open it behind a proxy."""

    cache_bytes: int = Field(
        default=2_000_000_000,
        ge=0,
        le=1_000_000_000_000,
        description="the size of all thumbnails together in `cache` below the home; those unused"
        " for longest are removed",
    )
    tiles: str = Field(
        default="",
        description="the base map: a URL of raster tiles, with `{z}`, `{x}` and `{y}`; by default,"
        " the outlines of the land",
    )
    share_licensed: bool = Field(
        default=False,
        description="whether contact sheets have pictures of licensed sources, which may not leave"
        " your organisation",
    )
    hosts: HostNames = Field(
        default="",
        description="further host names under which the page may be opened, separated by commas",
    )
    iap_audience: str = Field(
        default="",
        description="the audience of Identity-Aware Proxy's signed header, such as"
        " `/projects/NUMBER/global/backendServices/ID`; people are then known by their addresses",
    )
    iap_keys: Url = Field(
        default="https://www.gstatic.com/iap/verify/public_key",
        description="where the proxy's public keys are",
    )
    owners: tuple[Annotated[str, _TEXTS], ...] = Field(
        default=(),
        description="behind Identity-Aware Proxy: addresses, or domains such as `@example.org`, of"
        " people who may also change the project",
    )
    reviewers: tuple[Annotated[str, _TEXTS], ...] = Field(
        default=(),
        description="as `owners`, of people who may save views and export; all others only look",
    )

    @property
    def host_names(self) -> list[str]:
        """The names in ``hosts``."""
        return names_in(self.hosts)
