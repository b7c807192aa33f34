"""Lines of JSON: what they hold, what they hide, and that nothing commands a terminal."""

from __future__ import annotations

import json
import logging
import warnings

import pytest
import typer

from sightline.cli.logs import JsonLines, json_logs
from sightline.errors import StorageError
from tests.secrets import SECRET

TOKEN = "ya29.A0ARrdaM-abcdefgh"


def record(text: str, *args: object, error: BaseException | None = None) -> logging.LogRecord:
    info = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord("worker.x", logging.ERROR, "x.py", 1, text, args, info)


def test_secrets_are_hidden_in_messages_and_tracebacks() -> None:
    def failing() -> None:
        raise ValueError(f"Authorization: Bearer {TOKEN}")

    try:
        failing()
    except ValueError as error:
        line = JsonLines("w1").format(record("refused: %s", f"key={TOKEN}", error=error))
    entry = json.loads(line)
    assert not SECRET.search(line)
    assert TOKEN not in line
    assert "[hidden]" in entry["message"]
    assert "in failing" in entry["exception"]
    assert entry["exception"].splitlines()[-1] == "ValueError: Authorization: [hidden]"


def test_a_line_is_one_line_of_printable_ascii() -> None:
    line = JsonLines("w1").format(record("a\nb \x1b[2J Straße \u2028"))
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line)["message"] == "a\nb \x1b[2J Straße \u2028"


def entries(capsys: pytest.CaptureFixture[str]) -> list[dict[str, str]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_an_error_ends_a_command_with_its_code_and_one_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(typer.Exit) as ended, json_logs(worker_id="w1", debug=False):
        raise StorageError("the disk is full; make room")
    (entry,) = entries(capsys)
    assert ended.value.exit_code == StorageError.exit_code
    assert (entry["severity"], entry["message"]) == ("ERROR", "the disk is full; make room")
    assert "exception" not in entry


def test_a_fault_of_the_program_is_told_with_its_traceback(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(typer.Exit) as ended, json_logs(worker_id="w1", debug=False):
        raise ZeroDivisionError
    (entry,) = entries(capsys)
    assert ended.value.exit_code == 70
    assert "ZeroDivisionError" in entry["exception"]


def test_an_interruption_is_a_line_too(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended, json_logs(worker_id="w1", debug=False):
        raise KeyboardInterrupt
    (entry,) = entries(capsys)
    assert ended.value.exit_code == 130
    assert "interrupted" in entry["message"]


def test_warnings_and_others_logs_are_lines_and_all_is_as_it_was_afterwards(
    capsys: pytest.CaptureFixture[str],
) -> None:
    root = logging.getLogger()
    before = (root.handlers[:], root.level, logging.getLogger("worker").level)
    with json_logs(worker_id="w1", debug=False) as speak:
        logging.getLogger("library").info("not worth a line")
        logging.getLogger("library").warning("worth one")
        logging.getLogger("worker.runner").info("ours")
        logging.getLogger("worker.runner").debug("with --debug only")
        speak("a remark")
        warnings.showwarning("soon gone", UserWarning, "x.py", 1)
    messages = [entry["message"] for entry in entries(capsys)]
    assert messages[:3] == ["worth one", "ours", "a remark"]
    assert "soon gone" in messages[-1]
    assert (root.handlers, root.level, logging.getLogger("worker").level) == before
