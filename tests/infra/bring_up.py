"""Runs ``pulumi up`` as a process of its own, which a test kills.

Its arguments are the control plane's URL, the stack's folder, and the settings as JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from scripts.environment import Environment, infrastructure
from scripts.local_cloud import Cloud


def main(url: str, folder: str, settings: str) -> None:
    """Bring the stack up."""
    cloud = Cloud(url)
    configuration = json.loads(settings)
    Environment(cloud, Path(folder), infrastructure(cloud), settings=configuration).up()


if __name__ == "__main__":
    main(*sys.argv[1:])
