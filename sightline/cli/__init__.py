"""The command line: ``sightline COMMAND``. The module of a command is imported when it is run."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from sightline.cli.characters import printable
from sightline.cli.program import as_typed, started_with
from sightline.cli.streams import print_traceback, streams_without_secrets
from sightline.errors import SightlineError
from sightline.redaction import without_secrets

EXIT_INTERNAL = 70
EXIT_INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code (docs/commands.md lists them).

    Every error is one line on standard error that ends with what to do next; ``--debug`` shows the
    traceback instead.
    """
    with streams_without_secrets():
        try:
            return _run(argv)
        except KeyboardInterrupt:
            return _say("interrupted; nothing that was settled is lost", EXIT_INTERRUPTED)


def _run(argv: Sequence[str] | None) -> int:
    from sightline.cli.app import USAGE_ERROR, app  # noqa: PLC0415 - Ctrl-C shows no traceback

    started_with(config=None, home=None)  # until the options are read
    arguments = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in arguments
    try:
        code = app(arguments, prog_name="sightline", standalone_mode=False)
    except USAGE_ERROR as error:
        if type(error).__name__ == "NoArgsIsHelpError":  # its message is the help
            print(error.format_message())  # type: ignore[attr-defined]  # every ClickException has it
            return 0
        from sightline.cli.usage_errors import usage_error  # noqa: PLC0415 - for errors only

        return _say(usage_error(error, arguments), 2)
    except SightlineError as error:
        if debug:
            sys.excepthook = print_traceback  # replaces Typer's own
            raise
        return _say(str(error), error.exit_code)
    except BrokenPipeError:
        # The reader of the output has closed it, as `head` does; prevent Python's message at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if _was_interrupted(error):
            raise KeyboardInterrupt from error
        if debug:
            sys.excepthook = print_traceback  # replaces Typer's own
            raise
        return _say(
            f"internal error: {type(error).__name__}: {error}; run it again as"
            " `sightline --debug ...` and report what it prints",
            EXIT_INTERNAL,
        )
    return code if isinstance(code, int) else 0


def _was_interrupted(error: BaseException) -> bool:
    """Return whether Ctrl-C caused an error: an import that it interrupts raises another one."""
    seen: set[int] = set()  # causes may form a cycle
    behind: BaseException | None = error
    while behind is not None and id(behind) not in seen:
        if isinstance(behind, KeyboardInterrupt):
            return True
        seen.add(id(behind))
        behind = behind.__cause__ or behind.__context__
    return False


def _say(message: str, code: int) -> int:
    line = printable(as_typed(" ".join(without_secrets(message).split())))
    print(f"sightline: {line}", file=sys.stderr)
    return code
