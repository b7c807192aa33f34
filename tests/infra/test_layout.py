"""The trap of ``main: infra/``: its folder comes first on the path of modules."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib.metadata import packages_distributions

from tests.conftest import CHECKOUT

INFRA = CHECKOUT / "infra"


def test_no_module_is_named_like_one_of_the_standard_library_or_of_another_package() -> None:
    own = {path.stem if path.is_file() else path.name for path in INFRA.iterdir()}
    own -= {"__init__", "__main__", "__pycache__"}
    known_names = {*sys.stdlib_module_names, *packages_distributions()}
    known_names |= {path.name for path in CHECKOUT.iterdir() if path.is_dir()}
    assert own & known_names == set()


def test_every_import_is_absolute() -> None:
    relative = [
        str(path)
        for path in INFRA.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert relative == []


def test_the_program_is_imported_as_pulumi_runs_it() -> None:
    code = (
        f"import sys; sys.path[0] = {str(INFRA)!r}; import infra.program, worker, producer;"
        " print(infra.program.__file__, worker.__file__)"
    )
    completed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd="/"
    )
    assert str(INFRA / "program.py") in completed.stdout
    assert str(CHECKOUT / "worker") in completed.stdout


def test_checks_and_configuration_need_no_pulumi() -> None:
    code = (
        "import sys; import infra.stack, infra.guardrails, infra.names, infra.stack_config;"
        " print([one for one in sys.modules if one.partition('.')[0] in {'pulumi', 'pulumi_gcp'}])"
    )
    completed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=CHECKOUT
    )
    assert completed.stdout.strip() == "[]"
