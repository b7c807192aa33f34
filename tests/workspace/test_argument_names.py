"""Errors of the Python API name arguments; those of the command line name options."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import sightline as sl
from sightline.workspace.argument_names import in_python
from tests.cli.answered import answered_home


@pytest.fixture
def signs(tmp_path: Path) -> sl.Workspace:
    """Return a workspace with answers; each method closes nothing that the next one needs."""
    answered_home(tmp_path)
    return sl.open(tmp_path)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda ws: ws.search("sign", near=(152.09, 5.12, 500)), r"^near '152"),
        (lambda ws: ws.stats(box=(5.0, 152.0, 6.0, 153.0)), "^box "),
        (lambda ws: ws.stats(since="soon"), "^since 'soon'"),
        (lambda ws: ws.stats(asset_type="road_sgn"), "^asset_type: "),
        (lambda ws: ws.export("x.csv", format_="xls"), "^format_ 'xls'"),
        (lambda ws: ws.enqueue(embed_only=True, embed=False), "^embed_only=True and embed=False"),
        (lambda ws: ws.enqueue("road_sgns"), "no task 'road_sgns'"),
        (lambda ws: ws.tasks["road_sgns"], r"no task 'road_sgns' .did you mean road_signs"),
    ],
)
def test_an_error_names_the_argument(
    signs: sl.Workspace, call: Callable[[sl.Workspace], object], says: str
) -> None:
    with signs, pytest.raises(sl.errors.SightlineError, match=says) as caught:
        call(signs)
    assert "--" not in str(caught.value)


def test_an_existing_file_is_replaced_by_an_argument(signs: sl.Workspace, tmp_path: Path) -> None:
    file = tmp_path / "signs.csv"
    with signs:
        signs.export(file, task="signs")
        with pytest.raises(sl.errors.ConfigurationError, match="force=True"):
            signs.export(file, task="signs")
        signs.export(file, task="signs", force=True)


def test_commands_in_a_message_keep_their_options() -> None:
    message = "--new-type is missing; run `sightline import DIR --new-type`, or give --max-cost 5"
    assert in_python(message) == (
        "new_type=True is missing; run `sightline import DIR --new-type`, or give max_cost_usd 5"
    )


def test_a_task_is_looked_for_without_an_error(signs: sl.Workspace) -> None:
    with signs:
        assert "nope" not in signs.tasks
        assert signs.tasks.get("nope") is None
