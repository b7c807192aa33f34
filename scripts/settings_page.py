"""Writes the tables of docs/settings.md from the fields of the settings.

A table stands between two comments, the first of which names its sections:

    <!-- settings: classify_limit, embed_limit --> ... <!-- end -->

    .venv/bin/python -m scripts.settings_page

A test holds the page to the code.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from pydantic.fields import FieldInfo

from sightline.settings import Settings
from sightline.settings.fields import accepted_by, all_fields, written

PAGE = Path(__file__).resolve().parents[1] / "docs" / "settings.md"
GENERAL = "general"
"""Names the settings that are in no section."""
_PART = re.compile(r"(<!-- settings: (?P<names>[\w, ]+) -->\n).*?(<!-- end -->)", re.DOTALL)
_HEAD = "| setting | default | accepted | meaning |\n|---|---|---|---|\n"


def table(names: str) -> str:
    """Return the table of some sections, with commas between their names."""
    return _HEAD + "".join(row for name in names.split(", ") for row in _rows(name))


def _rows(section: str) -> Iterator[str]:
    for name, info in all_fields(Settings):
        head, _, key = name.partition(".")
        if (head if key else GENERAL) == section:
            cells = (f"`{name}`", _default(info), accepted_by(info), info.description or "")
            yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


def _default(info: FieldInfo) -> str:
    value = info.get_default(call_default_factory=True)
    if value is None:
        return "not set"
    if isinstance(value, Path):
        value = str(value)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return f"`{written(value) if is_number else json.dumps(value)}`"


def page(text: str) -> str:
    """Return the page with its tables made anew."""
    return _PART.sub(lambda part: f"{part[1]}\n{table(part['names'])}\n{part[3]}", text)


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
