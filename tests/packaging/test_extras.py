"""What is said about installing: never another project that the package index has by our name."""

from __future__ import annotations

import importlib.metadata
import json
import re
import subprocess
import tomllib

import pytest

from sightline.extras import DISTRIBUTION, install_command
from tests.conftest import CHECKOUT

STRANGERS = re.compile(
    r"sightline\[|(?:pip|uv|pipx|uvx) (?:pip )?install [^`\n]*\bsightline(?![-/\w])"
)
"""Text that makes a reader install the other project."""


def test_the_distribution_is_called_as_the_messages_say() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["name"] == DISTRIBUTION != "sightline"
    assert list(project["scripts"]) == ["sightline"]


@pytest.mark.parametrize(
    ("text", "is_theirs"),
    [
        ("pip install 'sightline[gcp]'", True),
        ("pip install sightline", True),
        ("uv pip install --pre sightline", True),
        ("pip install 'sightline-imagery[gcp]'", False),
        ("pip install '.[gcp]'", False),
        ("run `make setup` and then sightline doctor", False),
    ],
)
def test_a_command_that_installs_the_other_project_is_recognised(
    text: str, *, is_theirs: bool
) -> None:
    assert bool(STRANGERS.search(text)) is is_theirs


def test_nothing_here_tells_a_reader_to_install_the_other_project() -> None:
    listed = subprocess.run(
        [
            "git",
            "ls-files",
            "*.py",
            "*.md",
            "*.toml",
            "*.yaml",
            "*.ipynb",
            "Dockerfile",
            "Makefile",
        ],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )
    own = "tests/packaging/test_extras.py"
    places = [
        f"{name}:{number}"
        for name in listed.stdout.split("\n")
        if name and name != own and (CHECKOUT / name).is_file()
        for number, line in enumerate((CHECKOUT / name).read_text("utf-8").splitlines(), 1)
        if STRANGERS.search(line)
    ]
    assert places == []


@pytest.mark.parametrize(
    ("recorded", "command"),
    [
        (None, "pip install 'sightline-imagery[gcp]'"),
        (
            {"url": "file:///home/ann/sightline", "dir_info": {"editable": True}},
            "pip install 'sightline-imagery[gcp] @ file:///home/ann/sightline'",
        ),
        (
            {"url": "file:///tmp/sightline.whl", "archive_info": {}},
            "pip install 'sightline-imagery[gcp] @ file:///tmp/sightline.whl'",
        ),
    ],
)
def test_an_extra_comes_from_where_the_rest_came_from(
    monkeypatch: pytest.MonkeyPatch, recorded: object, command: str
) -> None:
    class Installed:
        @staticmethod
        def read_text(name: str) -> str | None:
            assert name == "direct_url.json"
            return json.dumps(recorded) if recorded else None

    monkeypatch.setattr(importlib.metadata, "distribution", lambda _name: Installed)
    assert install_command("gcp") == command


def test_without_an_installation_the_command_names_the_distribution(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def none(name: str) -> None:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "distribution", none)
    assert install_command("clip") == "pip install 'sightline-imagery[clip]'"
