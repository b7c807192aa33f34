"""What commands print stays as it is, byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.pinned import FOLDER, printed


@pytest.mark.extended
def test_commands_print_what_they_printed(tmp_path: Path) -> None:
    for name, text in printed(tmp_path):
        content = (FOLDER / f"{name}.txt").read_text(encoding="utf-8")
        assert text.split("\n$ ") == content.split("\n$ "), (
            "python -m tests.cli.pinned writes it anew"
        )
