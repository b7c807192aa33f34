"""What all tests share: the rule for absent tools, and where the real photographs lie."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.gcp.servers import (
    bigquery_emulator,
    bigquery_with_ledgers,
    database_with_ledgers,
    gcs,
    new_bigquery_emulator,
    pstest,
    pubsub_emulator,
    pubsub_emulator_jar,
)
from tests.secrets import looking_for_secrets
from tests.tiers import NOT_IN_ANY_INDEX

__all__ = [
    "bigquery_emulator",
    "bigquery_with_ledgers",
    "database_with_ledgers",
    "gcs",
    "new_bigquery_emulator",
    "pstest",
    "pubsub_emulator",
]

CHECKOUT = Path(__file__).parents[1]
PHOTOS = CHECKOUT.parent / "shared" / "photos"


def uv() -> Path | None:
    """Return the uv that ``make`` uses: the one on the path, else the one it has installed."""
    installed = CHECKOUT / ".cache" / "uv-tool" / "bin" / "uv"
    on_path = shutil.which("uv")
    return Path(on_path) if on_path else installed if installed.is_file() else None


LOOKUPS: Mapping[str, Callable[[], bool]] = {
    "photos": PHOTOS.is_dir,
    "pubsub-emulator": lambda: pubsub_emulator_jar() is not None,
    "uv": lambda: uv() is not None,
}
"""How to find what is no program on the path."""


def put_on_path() -> None:
    """Let ``sightline`` be on the path, as in an activated environment: messages name it so."""
    own = str(Path(sys.executable).parent)
    if own not in os.environ["PATH"].split(os.pathsep):
        os.environ["PATH"] = f"{own}{os.pathsep}{os.environ['PATH']}"


def hear_ctrl_c() -> None:
    """Hear SIGINT and SIGQUIT, which a shell has ignored in what it runs in the background.

    Commands that the tests start would inherit it, and none could be ended by Ctrl-C.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGQUIT) is signal.SIG_IGN:
        signal.signal(signal.SIGQUIT, signal.SIG_DFL)


def pytest_configure() -> None:
    """Let the tests be the same in the background, in a terminal, and without an environment."""
    hear_ctrl_c()
    put_on_path()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip by name where a tool is absent; where CI is set, an absent tool is a failure."""
    for marker in item.iter_markers("needs"):
        tool = str(marker.args[0])
        present = LOOKUPS.get(tool, lambda tool=tool: shutil.which(tool) is not None)
        if present():
            continue
        if os.environ.get("CI") and tool not in NOT_IN_ANY_INDEX:
            pytest.fail(f"{tool} is absent, and CI is set", pytrace=False)
        pytest.skip(f"{tool} is absent")


@pytest.fixture
def shared_photos() -> Path:
    """Return the folder of real photographs; mark such tests ``needs("photos")``."""
    return PHOTOS


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("SIGHTLINE_")]:
        monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _no_secret_is_logged(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let a test fail that logs a token, a key or a signed URL, at whatever level."""
    if "test_secrets" in request.node.nodeid:
        yield
        return
    with looking_for_secrets() as finder:
        yield
    assert not finder.leaks, f"secrets were logged: {finder.leaks}"
