"""Optional dependencies: the command that adds one to this installation.

The distribution has another name than the command and the package, since the package index has an
unrelated project of that name.
"""

from __future__ import annotations

import importlib
import json
from types import ModuleType

from sightline.errors import ConfigurationError

DISTRIBUTION = "sightline-imagery"


def install_command(extra: str) -> str:
    """Return the command that installs an extra, from the source of this installation."""
    return f"pip install '{DISTRIBUTION}[{extra}]{_origin()}'"


def library(name: str, extra: str) -> ModuleType:
    """Return an optional library.

    Raises:
        ConfigurationError: it is not installed, and how to install it.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ConfigurationError(
            f"{name} is not installed; run `{install_command(extra)}`"
        ) from error


def _origin() -> str:
    """Return the checkout or wheel that was installed, unless it came from an index (PEP 610)."""
    from importlib.metadata import PackageNotFoundError, distribution  # noqa: PLC0415 - slow

    try:
        recorded = distribution(DISTRIBUTION).read_text("direct_url.json")
    except PackageNotFoundError:
        return ""
    return f" @ {json.loads(recorded)['url']}" if recorded else ""
