"""What is generated from the infrastructure's code is current: Pulumi.yaml, tables, the picture."""

from __future__ import annotations

import re

import yaml

from infra.stack_config import KEYS, key_name
from scripts.infra_pages import PAGE, PULUMI_YAML, page, pulumi_yaml
from tests.conftest import CHECKOUT
from tests.docs.pages import code, rows, sections

AGAIN = "; run `python -m scripts.infra_pages`"


def test_the_page_is_current() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert page(text) == text, f"docs/infrastructure.md is out of date{AGAIN}"


def test_pulumi_yaml_is_current_and_read_as_it_is_meant() -> None:
    text = PULUMI_YAML.read_text(encoding="utf-8")
    assert text == pulumi_yaml(), f"Pulumi.yaml is out of date{AGAIN}"
    project = yaml.safe_load(text)
    assert (project["name"], project["main"]) == ("sightline", "infra/")
    assert project["runtime"] == {
        "name": "python", "options": {"toolchain": "uv", "virtualenv": ".venv"}
    }  # fmt: skip
    assert set(project["config"]) == set(map(key_name, KEYS))
    kinds = {"string": str, "integer": int, "boolean": bool}
    for name, declared in project["config"].items():
        assert isinstance(declared["description"], str)
        if name != "project":
            assert type(declared["default"]) is kinds[declared["type"]], name


def test_every_command_that_sets_a_key_names_one_there_is() -> None:
    known = set(map(key_name, KEYS))
    for path in (CHECKOUT / "docs").rglob("*.md"):
        named = re.findall(r"pulumi config\s+set\s+([a-z]\w*)", path.read_text(encoding="utf-8"))
        assert set(named) <= known, path.name


def test_every_output_that_a_page_names_is_one_there_is() -> None:
    source = (CHECKOUT / "infra" / "outputs.py").read_text(encoding="utf-8")
    known = set(re.findall(r'"(\w+)":|outputs\["(\w+)"\]', source))
    names = {name for pair in known for name in pair if name}
    for path in (CHECKOUT / "docs").rglob("*.md"):
        named = re.findall(r"pulumi stack output\s+(\w+)", path.read_text(encoding="utf-8"))
        assert set(named) <= names, path.name


def test_keys_and_kinds_of_fleet_are_on_the_page() -> None:
    listed = {code(cells[0]) for cells in rows(sections(PAGE, 2)["Configuration"])}
    assert listed == set(map(key_name, KEYS))
    fleets = {code(cells[0]) for cells in rows(sections(PAGE, 2)["Fleets"])}
    assert fleets == {"worker-pool", "job", "gke", "none"}


def test_the_provider_is_the_current_one() -> None:
    lock = (CHECKOUT / "uv.lock").read_text(encoding="utf-8")
    versions = dict(re.findall(r'name = "(pulumi|pulumi-gcp)"\nversion = "([\d.]+)"', lock))
    assert versions["pulumi-gcp"].startswith("10.")
    assert tuple(map(int, versions["pulumi"].split(".")[:2])) >= (3, 250)
