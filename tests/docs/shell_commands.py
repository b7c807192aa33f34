"""Commands of other programs, gcloud's say, as pages and messages show them, and their shapes."""

from __future__ import annotations

import ast
import re
import shlex
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.conftest import CHECKOUT
from tests.docs.pages import CODE_SPAN, all_pages, blocks, prose, simple_commands

PACKAGES = ("sightline", "worker", "producer", "infra")
TOOLS = ("gcloud", "bq", "pulumi", "kubectl", "docker")
VALUE = "VALUE"
"""Stands for what a shell, or a program that prints a command, puts in its place."""
_HEREDOC = re.compile(r"^(?P<command>.*)<<\s*(?P<end>\w+)\n.*?^(?P=end)$", re.MULTILINE | re.DOTALL)
_IN_MESSAGE = re.compile(
    rf"(?:`|^\s*|&& |\| )(?P<line>(?:{'|'.join(TOOLS)}) [a-z][^`]*)", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class ShellCommand:
    """One command of another program, and where it is shown."""

    where: str
    words: tuple[str, ...]

    @property
    def text(self) -> str:
        """Return it as it is typed."""
        return shlex.join(self.words)


@dataclass(frozen=True, slots=True)
class Shape:
    """What a command takes: the fewest and the most arguments, and its options.

    An option that takes a value ends with ``=``.
    """

    name: str
    fewest: int
    most: int
    options: frozenset[str]


@cache
def shapes() -> Mapping[str, Shape]:
    """Return the shape of every command that is shown, by its name."""
    table = tomllib.loads((Path(__file__).parent / "shell_commands.toml").read_text("utf-8"))
    by_name = {}
    for name, entry in table.items():
        fewest, _, most = str(entry.get("arguments", "0")).partition("-")
        limit = int(most or 99) if "-" in str(entry.get("arguments", "0")) else int(fewest)
        by_name[name] = Shape(name, int(fewest), limit, frozenset(entry.get("options", ())))
    return by_name


def shape_of(words: Sequence[str]) -> Shape | None:
    """Return the shape of a command, the most exact one."""
    names = (" ".join(words[:length]) for length in range(len(words), 0, -1))
    return next((shapes()[name] for name in names if name in shapes()), None)


def complaint(words: Sequence[str], *, partial: bool = False) -> str:
    """Return in what a command does not have its shape; empty when it has.

    Of a ``partial`` one, which the program completes as it prints it, arguments are not counted.
    """
    shape = shape_of(words)
    if shape is None:
        return f"{' '.join(words[:3])} is not in shell_commands.toml"
    arguments, left, literal = [], list(words[len(shape.name.split()) :]), False
    while left:
        word = left.pop(0)
        if word == "--" and not literal:
            literal = True
        elif word.startswith("-") and word != "-" and not literal:
            option, equals, _ = word.partition("=")
            if f"{option}=" in shape.options:
                if not equals and not left:
                    return f"{option} of {shape.name} needs a value"
                left = left if equals else left[1:]
            elif option not in shape.options:
                return f"{shape.name} has no {option}"
        else:
            arguments.append(word)
    if not partial and not shape.fewest <= len(arguments) <= shape.most:
        return f"{shape.name} does not take the arguments {arguments}"
    return ""


def commands_in(script: str, where: str) -> Iterator[ShellCommand]:
    """Yield the commands of other programs in a script, those in its substitutions too."""
    text = _HEREDOC.sub(lambda match: match["command"], script).replace("\\\n", " ")
    while (start := text.find("$(")) >= 0:
        end = _closing(text, start + 1)
        yield from commands_in(text[start + 2 : end], where)
        text = text[:start] + VALUE + text[end + 1 :]
    for line in text.splitlines():
        for _, words in simple_commands(line):
            if words[0] in TOOLS:
                yield ShellCommand(where, tuple(words))


def _closing(text: str, opening: int) -> int:
    """Return where the parenthesis is closed that is opened there."""
    depth = 0
    for position, character in enumerate(text[opening:], opening):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth == 0:
            return position
    raise ValueError(f"no closing parenthesis in {text[opening:][:80]!r}")


def page_commands(page: Path) -> Iterator[ShellCommand]:
    """Yield the commands of other programs in the blocks and in the running text of a page."""
    for block in blocks(page):
        if block.language == "sh":
            yield from commands_in(block.text, block.where)
    where = str(page.relative_to(CHECKOUT))
    for span in CODE_SPAN.finditer(prose(page)):
        words = span["code"].split()
        if words[0] in TOOLS and len(words) > 1:
            yield from commands_in(span["code"], where)


@cache
def shown_commands() -> tuple[ShellCommand, ...]:
    """Return the commands that all pages show."""
    return tuple(command for page in all_pages() for command in page_commands(page))


@cache
def source_commands() -> tuple[ShellCommand, ...]:
    """Return the commands in the texts of the program: help, messages, and what it prints."""
    return tuple(_source_commands())


def _source_commands() -> Iterator[ShellCommand]:
    for package in PACKAGES:
        for path in sorted((CHECKOUT / package).rglob("*.py")):
            where = str(path.relative_to(CHECKOUT))
            for text in _texts(ast.parse(path.read_text(encoding="utf-8"))):
                for match in _IN_MESSAGE.finditer(text):
                    line = match["line"].partition("\n")[0].rstrip(".: ")
                    if "`" in match[0] or shape_of(line.split()) or not line.startswith("pulumi"):
                        yield from _lenient(line, where)


def _lenient(line: str, where: str) -> Iterator[ShellCommand]:
    """Yield the commands of a line whose quotes may be closed in another text."""
    try:
        yield from commands_in(line, where)
    except ValueError:
        yield from commands_in(line.replace("'", "").replace('"', ""), where)


def _texts(tree: ast.AST) -> Iterator[str]:
    within: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            within |= {id(part) for part in ast.walk(node)}
            yield "".join(_parts(node))
        elif isinstance(node, ast.Constant) and id(node) not in within:
            yield node.value if isinstance(node.value, str) else ""


def _parts(node: ast.JoinedStr) -> Iterable[str]:
    for part in node.values:
        yield str(part.value) if isinstance(part, ast.Constant) else VALUE
