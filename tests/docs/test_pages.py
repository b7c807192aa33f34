"""What holds for every page: links that lead somewhere, no host of an index, decisions in order."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.conftest import CHECKOUT
from tests.docs.pages import all_pages, anchors, blocks, code, rows, sections, targets

ADR = CHECKOUT / "docs" / "adr"
PAGES = pytest.mark.parametrize(
    "page", all_pages(), ids=lambda page: str(page.relative_to(CHECKOUT))
)


@PAGES
def test_every_relative_link_and_image_of_a_page_leads_somewhere(page: Path) -> None:
    broken = []
    for target in targets(page):
        parts = urlsplit(target)
        if parts.scheme or parts.netloc:
            continue
        there = (page.parent / unquote(parts.path)).resolve() if parts.path else page
        known = anchors(there) if there.suffix == ".md" and there.exists() else set()
        if not there.exists() or (parts.fragment and parts.fragment not in known):
            broken.append(target)
    assert broken == []


@PAGES
def test_a_block_can_be_pasted_into_zsh_which_takes_a_comment_for_arguments(page: Path) -> None:
    commented = [
        block.where
        for block in blocks(page)
        if block.language == "sh" and re.search(r"(^|\s)#", block.text)
    ]
    assert commented == []


@PAGES
def test_no_page_names_the_host_of_a_package_index(page: Path) -> None:
    lock = (CHECKOUT / "uv.lock").read_text(encoding="utf-8")
    urls = re.findall(r'(?:registry|url) = "(https?://[^"]+)"', lock)
    hosts = {urlsplit(url).hostname or "" for url in urls} | {"test.pypi.org", "conda.anaconda.org"}
    text = page.read_text(encoding="utf-8")
    assert [host for host in hosts if host in text] == []
    assert not re.search(r"--(extra-)?index-url|UV_(DEFAULT_)?INDEX|PIP_INDEX", text)


def test_decisions_are_numbered_without_gaps() -> None:
    numbers = [int(path.name[:4]) for path in sorted(ADR.glob("[0-9]*.md"))]
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("path", sorted(ADR.glob("[0-9]*.md")), ids=lambda path: path.stem)
def test_a_decision_has_its_context_and_its_consequences(path: Path) -> None:
    assert re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", path.name)
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert re.match(rf"# {int(path.name[:4])}\b|# {path.name[:4]}\b", first), first
    assert {"Context", "Decision", "Consequences"} <= set(sections(path, 2))


def test_the_index_of_decisions_names_every_one() -> None:
    linked = {target for target in targets(ADR / "README.md") if target.endswith(".md")}
    assert linked >= {path.name for path in ADR.glob("[0-9]*.md")}


def test_every_dependency_says_why_it_is_there() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = project["project"]["optional-dependencies"]
    groups = project["dependency-groups"]
    declared = {
        "Runtime": project["project"]["dependencies"],
        **{f"Extra {name}": requirements for name, requirements in extras.items()},
        **{f"Group {name}": requirements for name, requirements in groups.items()},
    }
    listed = {
        title: {code(name): why for name, why in map(tuple, rows(text))}
        for title, text in sections(CHECKOUT / "CONTRIBUTING.md", 3).items()
        if title == "Runtime" or title.startswith(("Extra ", "Group "))
    }
    assert {title: set(names) for title, names in listed.items()} == {
        title: {re.split(r"[<>=!~\[; ]", requirement)[0] for requirement in requirements}
        for title, requirements in declared.items()
    }
    assert all(why for names in listed.values() for why in names.values())


def test_each_change_goes_where_there_is_something() -> None:
    places = sections(CHECKOUT / "CONTRIBUTING.md", 2)["Where a change goes"]
    paths = [code for code in re.findall(r"`([^`]+)`", places) if "/" in code]
    assert paths
    assert [path for path in paths if not (CHECKOUT / path).exists()] == []


def test_the_hooks_run_the_locked_tools_and_fetch_nothing() -> None:
    text = (CHECKOUT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    assert re.findall(r"repo: *(\S+)", text) == ["local"]
    entries = re.findall(r"entry: *(.+)", text)
    makefile = (CHECKOUT / "Makefile").read_text(encoding="utf-8")
    assert entries
    for entry in entries:
        program, target = entry.split()
        assert program == "make"
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
