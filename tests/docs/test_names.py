"""Names in the code are the field's own, say what they hold, and stand for one class each."""

from __future__ import annotations

import ast
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT

PACKAGES = ("sightline", "worker", "producer", "infra")
BESIDE = ("tests", "scripts", "bench")

RETIRED = {
    "purse": "BudgetSlice",
    "treasury": "RunBudgets",
    "treasurer": "RunBudgetEditor",
    "undertaker": "DeadLetterReplayer",
    "holding": "UnspentReservation",
    "lot": "PartBatch",
    "lots": "PartBatches",
    "brought": "BatchOutcome",
    "effort": "WarehouseUsage",
    "asker": "PassSubmitter",
    "either_way": "ByReferenceOrInline",
    "vitals": "WorkerStatus",
    "patience": "RetryUntilStopped",
    "letters": "DeadLetterBuilder",
    "planned": "BatchPlan",
    "worked_off": "BatchWorkSummary",
    "choices": "StackConfig",
    "hasten": "make_due",
    "to_the_end": "run_to_completion",
    "rehearse": "dry_run",
    "askings": "ModelCalls",
}
"""Words that named one thing in this project alone, and what replaces each in names."""

RETIRED_CLASSES = {
    "Asked": "SearchRequest",
    "Given": "SourceValue",
    "Hold": "Reservation",
    "Kinds": "ResultMappings",
    "Kept": "ReportingWriter or IndexFile",
    "Place": "VertexLocation, ColumnPath, TownPlace or SharedPlace",
    "Said": "OutputRows or ResponseColumns",
    "Words": "SqlDialect",
}
"""Names of classes that told nothing; the words themselves are fine inside of longer names."""

ALLOWED = {
    "dead_letters": "the field's own word",
    "DeadLetters": "the field's own word",
}
"""Public names that contain a retired word, each with the reason."""

BARE = frozenset({"asked", "found", "got", "heard", "one", "ones", "said", "told"})
"""Names of variables, parameters, fields and functions that do not say what they hold."""
MAYBE_BARE = re.compile(
    rf"(?:\b(?:for|as|lambda|def)\b|[*(,.\[=]|^) *(?:{'|'.join(sorted(BARE))})\b *"
    rf"(?:[=:,)\](+|*/-]|in\b|$)|\b(?:{'|'.join(sorted(BARE))}) *:=",
    re.MULTILINE,
)
"""Where such a name may be given: parsing every module would take ten seconds."""

RETIRED_PHRASES = re.compile(
    r"\b(?:(?:is|are|was|were) (?:told|heard|begun|gone on)|heard of|told of|whoever|anew|nobody"
    r"|somebody|of one's own|goes on with|to be known|takes? note)\b",
    re.IGNORECASE,
)
"""Phrases of another language in English words; documentation reports, records and returns."""

SAME_NAME = {
    "ResponseTooLargeError": "one for each HTTP client; messages show the name",
    "Run": "a run as the ledgers have it, and as the library hands it out",
    "Warehouse": "the ports of a warehouse, and the component of a stack that makes one",
}
"""Names that several classes may share, each with the reason."""


@cache
def modules() -> dict[Path, ast.Module]:
    """Return the modules of the packages by their paths in the checkout."""
    paths = [path for name in PACKAGES for path in sorted((CHECKOUT / name).rglob("*.py"))]
    return {
        path.relative_to(CHECKOUT): ast.parse(path.read_text(encoding="utf-8")) for path in paths
    }


def texts() -> Iterator[tuple[str, str]]:
    """Yield where the code is that a person reads, and its text: modules, cells of notebooks."""
    for folder in (*PACKAGES, *BESIDE):
        for path in sorted((CHECKOUT / folder).rglob("*.py")):
            yield str(path.relative_to(CHECKOUT)), path.read_text(encoding="utf-8")
    for path in sorted((CHECKOUT / "notebooks").glob("*.ipynb")):
        for number, cell in enumerate(json.loads(path.read_text(encoding="utf-8"))["cells"]):
            if cell["cell_type"] == "code":
                lines = [line for line in cell["source"] if not line.startswith("%")]
                yield f"{path.relative_to(CHECKOUT)}, cell {number}", "".join(lines)


def given_names(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the names that a module gives to a value, a parameter or a function, by their line."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store(), lineno=line):
                yield line, name
            case ast.Attribute(attr=name, ctx=ast.Store(), lineno=line):
                yield line, name
            case ast.arg(arg=name, lineno=line):
                yield line, name
            case ast.ExceptHandler(name=str(name), lineno=line):
                yield line, name
            case (
                ast.FunctionDef(name=name, lineno=line)
                | ast.AsyncFunctionDef(name=name, lineno=line)
            ):
                yield line, name


def public_names() -> Iterator[tuple[str, str]]:
    """Yield where a public name is, and the name: of a module, a class or a function."""
    for path, tree in modules().items():
        yield str(path), path.stem
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{path}:{node.lineno}", node.name


def words_of(name: str) -> str:
    """Return a name in lower case, with an underscore before and after each of its words."""
    return f"_{re.sub(r'(?<=[a-z0-9])(?=[A-Z])', '_', name).lower()}_"


def docstrings() -> Iterator[tuple[str, str]]:
    """Yield where a docstring of the packages is, and its text; also those below a constant."""
    for path, tree in modules().items():
        for node in ast.walk(tree):
            match node:
                case ast.Expr(value=ast.Constant(value=str(text)), lineno=line):
                    yield f"{path}:{line}", text


def test_no_docstring_uses_a_retired_phrase() -> None:
    retired = [
        f"{where}: {phrase[0]}"
        for where, text in docstrings()
        for phrase in RETIRED_PHRASES.finditer(text)
    ]
    assert retired == [], "write what is reported, recorded, returned, created or continued"
    assert RETIRED_PHRASES.search("The view is told what whoever asked has heard of.")


def test_no_public_name_uses_a_retired_word() -> None:
    retired = [
        f"{where}: {name} (instead of {word!r}: {instead})"
        for where, name in public_names()
        if not name.startswith("_")
        for word, instead in RETIRED.items()
        if f"_{word}_" in words_of(name) and not any(allowed in name for allowed in ALLOWED)
    ]
    retired += [
        f"{where}: {name} (instead: {RETIRED_CLASSES[name]})"
        for where, name in public_names()
        if name in RETIRED_CLASSES
    ]
    assert retired == []


def bare_names(where: str, text: str) -> list[str]:
    """Return where code gives a name that does not say what it holds."""
    if not MAYBE_BARE.search(text):
        return []
    names = given_names(ast.parse(text))
    return [f"{where}:{line}: {name}" for line, name in names if name in BARE]


def test_every_name_says_what_it_holds() -> None:
    bare = [place for where, text in texts() for place in bare_names(where, text)]
    assert bare == [], "name these after what they hold, such as answer, row, path or message"


@pytest.mark.parametrize(
    "code",
    [
        "one = 1",
        "for one in rows: pass",
        "[one for one in rows]",
        "lambda found: found",
        "def rows(*, found): pass",
        "async def found(): pass",
        "with opened() as (_, one): pass",
        "self.found = []",
        "class Row:\n    found: int",
        "if found := rows: pass",
        "first = found = rows",
        "try: pass\nexcept ValueError as one: pass",
    ],
)
def test_a_bare_name_is_noticed_wherever_it_is_given(code: str) -> None:
    assert len(bare_names("it", code)) == 1


def test_no_two_classes_share_a_name() -> None:
    where: defaultdict[str, list[str]] = defaultdict(list)
    for path, tree in modules().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                where[node.name].append(f"{path}:{node.lineno}")
    shared = {name: places for name, places in where.items() if len(places) > 1}
    assert {name: places for name, places in shared.items() if name not in SAME_NAME} == {}
    assert set(SAME_NAME) <= set(shared), "an exception that is needed no more"
