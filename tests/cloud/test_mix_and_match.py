"""The combinations of adapters that the page shows, each with its own settings and commands."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer

from scripts.servers import run_pstest
from scripts.stack import run_simulator
from sightline.vision.scenes import render_collection
from tests.cloud.project import QUICK
from tests.conftest import CHECKOUT
from tests.docs.pages import CommandLine, blocks, command_lines, sections
from tests.openai.chat_server import ChatServer
from tests.waiting import GIVE_UP_S

PAGE = CHECKOUT / "docs" / "mix-and-match.md"
BY_KEY = "Only a key of the Gemini API"
OWN_MODEL = "A vision model of your own"
QUEUE_ONLY = "The cloud's queue, results at home"
SCENES = 24
KEY = "AIzaSyNotARealKeyButOneThatLooksLikeIt0"


@dataclass
class Reader:
    """Somebody in a folder of their own, with ``photos`` and a section's settings in it."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    printed: list[str] = field(default_factory=list)

    def types(self, *arguments: str, code: int = 0, errors: bool | None = None) -> str:
        """Run a command of Sightline; return its standard output, or its errors if it fails."""
        completed = subprocess.run(
            [sys.executable, "-m", "sightline", "--config", "sightline.toml", *arguments],
            cwd=self.folder,
            env={**os.environ, **QUICK, **self.environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=GIVE_UP_S,
            check=False,
        )
        self.printed += [completed.stdout, completed.stderr]
        assert completed.returncode == code, f"{arguments}\n{completed.stdout}\n{completed.stderr}"
        return completed.stderr if (bool(code) if errors is None else errors) else completed.stdout

    def follows(self, commands: list[CommandLine]) -> dict[str, str]:
        """Run the commands in order; return what each printed."""
        return {command.arguments[0]: self.types(*command.arguments) for command in commands}

    def balance(self) -> dict[str, int]:
        """Return the one run's balance, which must hold."""
        status = json.loads(self.types("status", "--check", "--json"))
        assert status["holds"]
        assert status["dead_letters"] == {}
        (run,) = status["runs"]
        return {name: run[name] for name in ("parts", "written", "dead", "queued", "lost")}


def shown(title: str) -> tuple[str, list[CommandLine]]:
    """Return the settings file and the commands that a section of the page shows."""
    body = sections(PAGE, 2)[title]
    own = [block for block in blocks(PAGE) if block.text in body]
    (settings,) = [block.text for block in own if (block.kind, block.language) == ("file", "toml")]
    return settings, [line for block in own for line in command_lines(block)]


def all_written(parts: int) -> dict[str, int]:
    return {"parts": parts, "written": parts, "dead": 0, "queued": 0, "lost": 0}


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    """Return a reader with rendered photographs."""
    render_collection(tmp_path / "photos", count=SCENES, seed=11)
    return Reader(tmp_path)


def test_each_section_is_tried_here() -> None:
    assert list(sections(PAGE, 2)) == [BY_KEY, OWN_MODEL, QUEUE_ONLY]


def test_a_key_of_the_gemini_api_is_enough(reader: Reader, tmp_path: Path) -> None:
    settings, commands = shown(BY_KEY)
    (tmp_path / "sightline.toml").write_text(settings)
    with run_simulator(tmp_path / "simulator.log", ["--answers", "instant"]) as url:
        reader.environment = {"SIGHTLINE_GEMINI__ENDPOINT": url, "GEMINI_API_KEY": KEY}
        outputs = reader.follows(commands)
        assert reader.balance() == all_written(2 * SCENES)
    assert [command.arguments[0] for command in commands] == [
        "import", "enqueue", "work", "status", "search"
    ]  # fmt: skip
    assert outputs["search"].count("photos/snapshot-") == 10
    files = [path for path in (tmp_path / ".sightline").rglob("*") if path.is_file()]
    assert files
    assert not any(KEY.encode() in path.read_bytes() for path in files)
    assert not any(KEY in text for text in reader.printed)


@pytest.mark.extended
def test_without_the_key_one_line_says_what_to_do(reader: Reader, tmp_path: Path) -> None:
    settings, _ = shown(BY_KEY)
    (tmp_path / "sightline.toml").write_text(settings)
    reader.environment = {"GEMINI_API_KEY": ""}
    reader.types("import", "photos")
    reader.types("enqueue")
    for command, says in (
        (("work", "--drain"), "export GEMINI_API_KEY=..."),
        (("search", "a stop sign"), "nothing was embedded by"),  # so that no key is asked for
    ):
        error = reader.types(*command, code=2)
        assert len(error.strip().splitlines()) == 1, error
        assert says in error
    findings = json.loads(reader.types("doctor", "--json", code=1, errors=False))
    mends = {finding["what"]: finding["mend"] for finding in findings if not finding["ok"]}
    assert set(mends.values()) == {"export GEMINI_API_KEY=... with a key of the Gemini API"}


@pytest.mark.extended
def test_a_key_that_can_be_none_stops_the_worker_and_is_not_told(
    reader: Reader, tmp_path: Path
) -> None:
    settings, _ = shown(BY_KEY)
    (tmp_path / "sightline.toml").write_text(settings)
    with run_simulator(tmp_path / "simulator.log", ["--answers", "instant"]) as url:
        reader.environment = {"SIGHTLINE_GEMINI__ENDPOINT": url, "GEMINI_API_KEY": f"{KEY}\n"}
        reader.types("import", "photos")
        reader.types("enqueue")
        error = reader.types("work", "--drain", code=2)
    assert "Traceback" not in error
    assert not any(KEY in text for text in reader.printed)


@pytest.mark.extended
async def test_a_service_that_speaks_openais_protocol_answers(
    reader: Reader, tmp_path: Path
) -> None:
    settings, commands = shown(OWN_MODEL)
    (tmp_path / "sightline.toml").write_text(settings)
    stub = ChatServer()
    async with TestServer(stub.application()) as server:
        reader.environment = {"SIGHTLINE_OPENAI__ENDPOINT": str(server.make_url("/v1"))}
        outputs = await asyncio.to_thread(reader.follows, commands)
        await asyncio.to_thread(reader.types, "doctor")
        assert await asyncio.to_thread(reader.balance) == all_written(2 * SCENES)
    assert outputs["search"].count("photos/snapshot-") == 10
    assert len(stub.requests) == stub.calls == SCENES
    assert {request.model for request in stub.requests} == {"qwen2.5-vl-7b-instruct"}
    photos = {path.read_bytes() for path in (tmp_path / "photos").rglob("*.jpg")}
    assert {content for images in stub.images for content in images} <= photos
    columns = json.loads(reader.types("sql", "select * from classifications_current", "--json"))
    assert {row["model"] for row in columns} == {"qwen2.5-vl-7b-instruct"}


@pytest.mark.extended
@pytest.mark.needs("go")
def test_the_clouds_queue_feeds_a_warehouse_at_home(reader: Reader, tmp_path: Path) -> None:
    settings, commands = shown(QUEUE_ONLY)
    (tmp_path / "sightline.toml").write_text(settings)
    with run_pstest(tmp_path / "pubsub.log") as pubsub:
        reader.environment = {"SIGHTLINE_PUBSUB__ENDPOINT": pubsub.endpoint}
        outputs = reader.follows(commands)
        assert "created    subscription street\n" in outputs["setup"]
        assert "0 created" in reader.types("setup")
        assert reader.balance() == all_written(2 * SCENES)


@pytest.mark.extended
@pytest.mark.needs("go")
def test_what_the_queue_lost_is_published_again(reader: Reader, tmp_path: Path) -> None:
    settings, _ = shown(QUEUE_ONLY)
    (tmp_path / "sightline.toml").write_text(settings)
    with run_pstest(tmp_path / "before.log") as pubsub:
        reader.environment = {"SIGHTLINE_PUBSUB__ENDPOINT": pubsub.endpoint}
        reader.types("setup")
        reader.types("import", "photos")
        match = re.search(r"run (\S+): ", reader.types("enqueue"))
        assert match
    with run_pstest(tmp_path / "after.log") as pubsub:  # it has forgotten everything
        reader.environment = {"SIGHTLINE_PUBSUB__ENDPOINT": pubsub.endpoint}
        reader.types("setup")
        assert f": {SCENES} messages published again" in reader.types(
            "enqueue", "--reconcile", match[1]
        )
        reader.types("work", "--drain")
        assert reader.balance() == all_written(2 * SCENES)
        assert ": 0 messages published again" in reader.types("enqueue", "--reconcile", match[1])
