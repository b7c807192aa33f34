"""The examples of the page on Python run, in their order, in a folder like a reader's."""

from __future__ import annotations

from pathlib import Path

from tests.conftest import CHECKOUT
from tests.docs.pages import blocks

PAGE = CHECKOUT / "docs" / "python.md"


def test_the_examples_run_in_order(folder: Path) -> None:
    names: dict[str, object] = {"__name__": "example"}
    ran = 0
    for block in blocks(PAGE):
        if block.kind == "file":
            (folder / block.argument).write_text(block.text)
        if block.kind == "run":
            assert block.language == "python"
            exec(compile(block.text, block.where, "exec"), names)  # the page's own code
            ran += 1
    assert ran > 5
    assert (folder / "my-project" / "tasks" / "benches.toml").is_file()
    assert (folder / "signs.geojson").is_file()
    assert not (folder / "my-projct").exists()
