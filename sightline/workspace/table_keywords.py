"""How to read a table, as plain keyword arguments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict


class TableKeywords(TypedDict, total=False):
    """What a table does not say about itself: see ``TableOptions``, which has the same fields."""

    columns: Mapping[str, str]
    crs: str | None
    decimal: str | None
    date_format: str | None
