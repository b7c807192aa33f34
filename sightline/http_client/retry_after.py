"""The delay that a server requests by the header ``Retry-After`` (RFC 9110, 10.2.3)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

MOST_RETRY_S = 3600.0
"""The longest accepted delay, in seconds, whatever the server sends."""


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Return the delay in the header, a number or a date, in seconds; at most an hour."""
    lowered = {name.lower(): value for name, value in headers.items()}
    value = lowered.get("retry-after", "").strip()
    if re.fullmatch(r"\d+(\.\d+)?", value):
        return min(float(value), MOST_RETRY_S)
    then, date = _date(value), _date(lowered.get("date", ""))
    if then is None or date is None:
        return None
    # Relative to the server's own clock, so that ours does not matter.
    return min(max((then - date).total_seconds(), 0.0), MOST_RETRY_S)


def _date(value: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
