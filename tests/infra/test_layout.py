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
    taken = {*sys.stdlib_module_names, *packages_distributions()}
    taken |= {path.name for path in CHECKOUT.iterdir() if path.is_dir()}
    assert own & taken == set()


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
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd="/"
    )
    assert str(INFRA / "program.py") in done.stdout
    assert str(CHECKOUT / "worker") in done.stdout


def test_checks_and_configuration_need_no_pulumi() -> None:
    code = (
        "import sys; import infra.stack, infra.guardrails, infra.names, infra.stack_config;"
        " print([one for one in sys.modules if one.partition('.')[0] in {'pulumi', 'pulumi_gcp'}])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=CHECKOUT
    )
    assert done.stdout.strip() == "[]"
