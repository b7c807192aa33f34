"""The pages of the documentation, as the tests read them: links, tables, blocks, command lines."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.conftest import CHECKOUT

GUIDES = (
    "README.md",
    "CONTRIBUTING.md",
    "docs/getting-started.md",
    "docs/import.md",
    "docs/run-a-job.md",
    "docs/telemetry.md",
    "docs/search.md",
    "docs/from-answers-to-decisions.md",
    "docs/tasks.md",
    "docs/dead-letters.md",
    "docs/settings.md",
    "docs/commands.md",
    "docs/warehouse.md",
    "docs/how-it-works.md",
    "docs/index.md",
)
OPERATORS = frozenset({"|", "||", "&", "&&", ";", ">", ">>", "<", "2>"})
KEYWORDS = frozenset({"do", "done", "then", "fi", "!"})
ASSIGNMENT = re.compile(r"[A-Z_][A-Z0-9_]*=.*")
MARKER = re.compile(r"<!-- (?P<kind>run|file|transcript)(?:: (?P<argument>.+?))? -->")
LINK = re.compile(r"!?\[[^\]]*\]\((?P<target>[^)\s]+)\)")
SOURCE = re.compile(r"""(?:src|srcset|href)="(?P<target>[^"]+)\"""")
CODE_SPAN = re.compile(r"`(?P<code>[^`\n]+)`")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its language, its text, and the comment just above it."""

    page: Path
    line: int
    language: str
    text: str
    kind: str = ""
    argument: str = ""

    @property
    def where(self) -> str:
        """Return the place for a message."""
        return f"{self.page.relative_to(CHECKOUT)}, line {self.line}"


@dataclass(frozen=True, slots=True)
class CommandLine:
    """One ``sightline`` command as it is written: settings of its environment, and arguments."""

    where: str
    text: str
    arguments: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)


def all_pages() -> list[Path]:
    """Return every Markdown file that readers see."""
    top = [CHECKOUT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
    return [*top, *sorted((CHECKOUT / "docs").rglob("*.md"))]


def blocks(page: Path) -> Iterator[Block]:
    """Yield the fenced blocks of a page."""
    lines = page.read_text(encoding="utf-8").splitlines()
    start, above = None, ""
    for number, line in enumerate(lines):
        if start is None and line.startswith("```"):
            start = number
        elif start is not None and line.startswith("```"):
            marker = MARKER.fullmatch(above.strip())
            yield Block(
                page,
                start + 1,
                lines[start].removeprefix("```").strip(),
                "\n".join(lines[start + 1 : number]) + "\n",
                marker["kind"] if marker else "",
                (marker["argument"] or "") if marker else "",
            )
            start, above = None, ""
        elif start is None and line.strip():
            above = line


def prose(page: Path) -> str:
    """Return a page without its fenced blocks."""
    text = page.read_text(encoding="utf-8")
    return re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)


def targets(page: Path) -> list[str]:
    """Return what a page links to and which images it shows."""
    text = prose(page)
    return [match["target"] for pattern in (LINK, SOURCE) for match in pattern.finditer(text)]


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    names = set()
    for line in prose(page).splitlines():
        if line.startswith("#"):
            words = line.lstrip("#").strip().lower()
            names.add(re.sub(r"[^\w\- ]", "", words).replace(" ", "-"))
    return names


def sections(page: Path, level: int) -> dict[str, str]:
    """Return the text below each heading of this level, by the heading without backticks."""
    marks = "#" * level
    parts = re.split(rf"^{marks} +(.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    shallower = re.compile(rf"^#{{1,{level}}} ", re.MULTILINE)
    return {
        title.strip().replace("`", ""): shallower.split(body)[0]
        for title, body in zip(parts[1::2], parts[2::2], strict=True)
    }


def rows(text: str) -> list[list[str]]:
    """Return the cells of all Markdown tables in a text, without headers and rules."""
    table_rows: list[list[str]] = []
    header = True
    for line in text.splitlines():
        if not line.startswith("|"):
            header = True
            continue
        cells = [cell.replace("\\|", "|").strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if header or set("".join(cells)) <= set("-: "):
            header = False
            continue
        table_rows.append(cells)
    return table_rows


def code(cell: str) -> str:
    """Return the text of the first code span in a table's cell; empty when there is none."""
    span = CODE_SPAN.search(cell)
    return span["code"] if span else ""


def command_lines(block: Block) -> list[CommandLine]:
    """Return the ``sightline`` commands of a ``sh`` or ``console`` block."""
    if block.language not in {"sh", "console"}:
        return []
    joined = block.text.replace("\\\n", " ")
    lines = joined.splitlines()
    if block.language == "console":
        lines = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    return [command for line in lines for command in _commands(line, block.where)]


def spoken_commands(page: Path) -> list[CommandLine]:
    """Return the ``sightline`` commands in the running text of a page."""
    where = str(page.relative_to(CHECKOUT))
    spans = [match["code"] for match in CODE_SPAN.finditer(prose(page))]
    return [
        command
        for span in spans
        if span.startswith("sightline ") and "..." not in span
        for command in _commands(span, where)
    ]


def simple_commands(line: str) -> Iterator[tuple[dict[str, str], list[str]]]:
    """Yield the commands of a shell line: the variables set for each, and its words."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words: list[str] = []
    for word in [*lexer, ";"]:
        if word not in OPERATORS:
            words.append(word)
            continue
        environment = {}
        while words and (words[0] in KEYWORDS or ASSIGNMENT.fullmatch(words[0])):
            name, equals, value = words.pop(0).partition("=")
            if equals:
                environment[name] = value
        if words:
            yield environment, words
        words = []


def _commands(line: str, where: str) -> Iterator[CommandLine]:
    for environment, words in simple_commands(line):
        if words[0] == "sightline":
            yield CommandLine(where, line.strip(), tuple(words[1:]), environment)
