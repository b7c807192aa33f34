"""What commands print commands no terminal, and holds no secret: JSON, text, logs, tracebacks."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest

from sightline.cli import main
from sightline.cli.characters import harmless_json, printable
from sightline.cli.logs import JsonLines, TextLines
from sightline.cli.output import print_json
from sightline.cli.watching.screen import print_line
from sightline.errors import ConfigurationError
from sightline.redaction import SECRETS
from tests.shared.known_secrets import forgetting_secrets

ACTED_UPON = {"Cc", "Cf", "Cs", "Zl", "Zp"}
HOSTILE = "".join(
    character
    for character in map(chr, range(sys.maxunicode + 1))
    if unicodedata.category(character) in ACTED_UPON and unicodedata.category(character) != "Cs"
)
HARMLESS = "Ærø, Łódź, 東京, हिन्दी, 🚏 \u00a0 \ue000 \\u202e é\u0301"
KEY = "marigold/seven lanterns"


@pytest.fixture(autouse=True)
def _no_secrets_before() -> Iterator[None]:
    with forgetting_secrets():
        yield


def commands(text: str) -> list[str]:
    """Return the characters of a text that a terminal may act upon, line ends aside."""
    return [
        character
        for character in text
        if unicodedata.category(character) in ACTED_UPON and character != "\n"
    ]


def test_json_of_every_character_commands_nothing_and_has_the_same_value() -> None:
    value = {"text": HOSTILE + HARMLESS, HOSTILE: [HOSTILE, {"a": HARMLESS}]}
    document = harmless_json(json.dumps(value, ensure_ascii=False, indent=2))
    assert commands(document) == []
    assert json.loads(document) == value


@pytest.mark.parametrize("code", [0xD800, 0xDBFF, 0xDC00, 0xDFFF])
def test_a_lone_surrogate_is_escaped_and_can_be_printed(
    code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    lone = chr(code)
    print_json({"name": f"a{lone}b"})
    out = capsys.readouterr().out
    assert out.encode() == f'{{\n  "name": "a\\u{code:04x}b"\n}}\n'.encode()
    assert json.loads(out) == {"name": f"a{lone}b"}


def test_json_without_such_characters_is_the_same_byte_for_byte() -> None:
    value = {"text": HARMLESS, "tab": "\t", "line": "\n", "number": 1.5}
    document = json.dumps(value, ensure_ascii=False, indent=2)
    assert harmless_json(document) == document


def test_a_line_of_json_is_one_line_and_commands_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_line({"text": HOSTILE})
    out = capsys.readouterr().out
    assert commands(out) == []
    assert out.count("\n") == 1
    assert json.loads(out) == {"text": HOSTILE}


@pytest.mark.parametrize("code", [0x1B, 0x7F, 0x9B, 0x61C, 0x200F, 0x2028, 0x202E, 0x2066, 0xFEFF])
def test_a_row_of_the_warehouse_commands_no_terminal(
    code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    query = f"select 'a' || chr({code}) || 'b' as name"
    assert main(["sql", query, "--json"]) == 0
    out = capsys.readouterr().out
    assert commands(out) == []
    assert json.loads(out) == [{"name": f"a{chr(code)}b"}]
    assert main(["sql", query]) == 0
    assert commands(capsys.readouterr().out) == []


def record(message: str, error: Exception | None = None) -> logging.LogRecord:
    info = (type(error), error, None) if error else None
    return logging.LogRecord("sightline", logging.WARNING, "f.py", 1, message, None, info)


@pytest.mark.parametrize("formatter", [TextLines(), JsonLines("w1")])
def test_a_log_line_commands_nothing_and_holds_no_secret(formatter: logging.Formatter) -> None:
    SECRETS.register(KEY)
    line = formatter.format(record(f"{HOSTILE} {KEY}", ValueError(f"{HOSTILE} {KEY}")))
    assert commands(line) == []
    assert "marigold" not in line
    assert "lanterns" not in line


def test_an_error_of_a_command_is_one_line_without_secrets(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)

    def fail(_: object) -> None:
        raise ConfigurationError(f"the service said {KEY}{HOSTILE}; ask it")

    monkeypatch.setattr("sightline.operations.tasks.known_tasks", fail)
    main(["status"])  # reads the settings, and the key with them
    capsys.readouterr()
    assert main(["tasks", "list"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("sightline: the service said [hidden]")
    assert commands(err) == []


@pytest.mark.parametrize("debug", [(), ("--debug",)])
def test_an_internal_error_shows_no_secret_nor_does_its_traceback(
    debug: tuple[str, ...], tmp_path: Path
) -> None:
    program = (
        "import sys, sightline.operations.tasks\n"
        "from sightline.cli import main\n"
        "def fail(settings):\n"
        "    import os\n"
        "    raise RuntimeError(os.environ['GEMINI_API_KEY'] + chr(0x9b) + '2J')\n"
        "sightline.operations.tasks.known_tasks = fail\n"
        f"sys.exit(main([*{list(debug)!r}, 'tasks', 'list']))\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "GEMINI_API_KEY": KEY},
        capture_output=True,
        check=False,
        timeout=60,
    )
    text = ended.stderr.decode()
    assert ended.returncode != 0
    assert "RuntimeError" in text
    assert "[hidden]" in text
    assert "marigold" not in text
    assert commands(text) == []


def test_text_is_printable_whatever_it_holds() -> None:
    assert commands(printable(HOSTILE + "\ud800")) == []
    assert printable("Łódź 東京") == "Łódź 東京"
