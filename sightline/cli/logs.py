"""A worker's logs on standard error: text, or one JSON object per line for log services."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TextIO

import typer

from sightline.cli.characters import harmless_json, printable, printable_lines
from sightline.cli.output import remark
from sightline.errors import SightlineError
from sightline.http_client.redaction import without_secrets
from sightline.settings import Settings
from worker.messages.handled import HANDLED

EXIT_INTERNAL = 70
EXIT_INTERRUPTED = 130
OURS = ("sightline", "worker")
log = logging.getLogger(__name__)


class JsonLines(logging.Formatter):
    """One JSON object per line: ``severity`` is the name that Google Cloud's logging expects.

    Plain ASCII, so that a terminal interprets nothing in it; without secrets.
    """

    def __init__(self, worker_id: str) -> None:
        super().__init__()
        self._worker_id = worker_id

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as a line; the message in progress is named, if there is one."""
        at = datetime.fromtimestamp(record.created, UTC)
        entry = {
            "time": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "severity": record.levelname,
            "logger": record.name,
            "message": without_secrets(record.getMessage()),
            "worker_id": self._worker_id,
        }
        if (handled := HANDLED.get()) is not None:
            entry["run_id"] = handled.attributes.get("run_id", "")
            entry["message_id"] = handled.message_id
        if record.exc_info:
            entry["exception"] = without_secrets(self.formatException(record.exc_info))
        return harmless_json(json.dumps(entry))


class TextLines(logging.Formatter):
    """Lines of text without secrets and without characters that terminals interpret."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as text; a traceback adds lines."""
        return printable_lines(without_secrets(super().format(record)))


class _ToStandardError(logging.StreamHandler[TextIO]):
    """Writes to the current standard error, which a live view redirects to print above itself."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:
        return sys.stderr

    @stream.setter
    def stream(self, _: TextIO) -> None:
        return None


def text_logs(*, debug: bool) -> None:
    """Log as text, from warnings up."""
    handler = _ToStandardError()
    handler.setFormatter(TextLines())
    logging.basicConfig(level=logging.DEBUG if debug else logging.WARNING, handlers=[handler])


@contextmanager
def json_logs(*, worker_id: str, debug: bool) -> Iterator[Callable[[str], None]]:
    """Log as JSON, our own records from INFO, others' from WARNING; yields a function for remarks.

    Errors are logged too, instead of being printed as text, and end the command with their exit
    code.
    """
    root = logging.getLogger()
    before = {name: logging.getLogger(name).level for name in ("", *OURS)}
    handlers = root.handlers[:]
    handler = _ToStandardError()
    handler.setFormatter(JsonLines(worker_id))
    root.handlers[:] = [handler]
    root.setLevel(logging.DEBUG if debug else logging.WARNING)
    for name in OURS:
        logging.getLogger(name).setLevel(logging.DEBUG if debug else logging.INFO)
    logging.captureWarnings(True)
    try:
        yield lambda text: log.info("%s", printable(text))
    except SightlineError as error:
        log.error("%s", error, exc_info=debug)  # noqa: TRY400 - its message says all
        raise typer.Exit(error.exit_code) from error
    except KeyboardInterrupt as error:
        log.warning("interrupted; nothing that was settled is lost")
        raise typer.Exit(EXIT_INTERRUPTED) from error
    except (typer.Exit, BrokenPipeError):
        raise
    except Exception as error:
        log.exception("internal error; report this line")
        raise typer.Exit(EXIT_INTERNAL) from error
    finally:
        logging.captureWarnings(False)
        root.handlers[:] = handlers
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)


@contextmanager
def worker_logs(
    settings: Settings, worker_id: str, *, debug: bool
) -> Iterator[Callable[[str], None]]:
    """Log as ``telemetry.log_format`` says; yields a function for remarks."""
    if settings.telemetry.log_format == "json":
        with json_logs(worker_id=worker_id, debug=debug) as log_remark:
            yield log_remark
        return
    text_logs(debug=debug)
    yield remark
