"""Optional dependencies: the command that adds one to what is installed.

The distribution is not called as the command and the package are: the package index has another
project of that name.
"""

from __future__ import annotations

import json

DISTRIBUTION = "sightline-imagery"


def install_command(extra: str) -> str:
    """Return the command that installs an extra, from where Sightline itself was installed."""
    return f"pip install '{DISTRIBUTION}[{extra}]{_origin()}'"


def _origin() -> str:
    """Return the checkout or the wheel that was installed, if it was no index (PEP 610)."""
    from importlib.metadata import PackageNotFoundError, distribution  # noqa: PLC0415 - slow

    try:
        recorded = distribution(DISTRIBUTION).read_text("direct_url.json")
    except PackageNotFoundError:
        return ""
    return f" @ {json.loads(recorded)['url']}" if recorded else ""
