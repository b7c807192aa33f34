"""Every line of the threat model names a test, and the test is there."""

from __future__ import annotations

import re

from tests.conftest import CHECKOUT
from tests.docs.pages import sections

PAGE = CHECKOUT / "SECURITY.md"
TEST = re.compile(r"`(test_\w+)`")
DEFINED = re.compile(r"^\s*(?:async )?def (test_\w+)", re.MULTILINE)


def test_each_attack_has_a_test_that_is_there() -> None:
    defined = {
        name
        for path in (CHECKOUT / "tests").rglob("test_*.py")
        for name in DEFINED.findall(path.read_text(encoding="utf-8"))
    }
    defined |= set(DEFINED.findall("\n".join(
        path.read_text(encoding="utf-8") for path in (CHECKOUT / "tests").rglob("*_suite.py")
    )))  # fmt: skip
    text = sections(PAGE, 2)["Who can write what, and what stops it"]
    rows = [line for line in text.splitlines() if line.startswith("| ") and "---" not in line]
    attacks = [line for line in rows if not line.rstrip().endswith("| test |")]
    assert len(attacks) > 15
    assert [line for line in attacks if not TEST.findall(line)] == []
    assert set(TEST.findall(text)) - defined == set()
