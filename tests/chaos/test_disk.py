"""A full disk and a read-only one: an error of one line, nothing lost, and on it goes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chaos.harness import CHECKOUT, Home
from tests.waiting import GIVE_UP_S

ON_A_SMALL_DISK = """
set -u
mount -t tmpfs -o size={small} tmpfs "$SIGHTLINE_HOME"
$SIGHTLINE import "$TABLE" --json >/dev/null || exit 90
$SIGHTLINE enqueue --json >/dev/null || exit 91
dd if=/dev/zero of="$SIGHTLINE_HOME/ballast" bs=4096 2>/dev/null
$SIGHTLINE work --drain 2>"$SIGHTLINE_HOME.err"
echo $? >"$SIGHTLINE_HOME.code"
rm "$SIGHTLINE_HOME/ballast"
mount -o remount,size=200m "$SIGHTLINE_HOME"
sleep 2.5
$SIGHTLINE work --drain --json >/dev/null || exit 93
$SIGHTLINE status --check --json
"""

ON_A_READ_ONLY_DISK = """
set -u
$SIGHTLINE import "$TABLE" --json >/dev/null || exit 90
$SIGHTLINE enqueue --json >/dev/null || exit 91
mount --bind "$SIGHTLINE_HOME" "$SIGHTLINE_HOME"
mount -o remount,ro,bind "$SIGHTLINE_HOME"
for command in "work --drain" "enqueue" "import $TABLE"; do
  $SIGHTLINE $command 2>>"$SIGHTLINE_HOME.err"
  echo $? >>"$SIGHTLINE_HOME.code"
done
mount -o remount,rw,bind "$SIGHTLINE_HOME"
$SIGHTLINE work --drain --json >/dev/null || exit 93
$SIGHTLINE status --check --json
"""


def _in_a_namespace(home: Home, script: str) -> subprocess.CompletedProcess[str]:
    """Run a script where it may mount, without being root outside."""
    table = home.path.parent / "observations.csv"
    more = {"SIGHTLINE": f"{sys.executable} -m sightline", "TABLE": str(table)}
    return subprocess.run(
        ["unshare", "--map-root-user", "--mount", "sh", "-c", script],
        env={**home.env(more), "PYTHONPATH": str(CHECKOUT)},
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=GIVE_UP_S,
        check=False,
    )


def _errors(home: Home) -> tuple[list[str], list[int]]:
    lines = Path(f"{home.path}.err").read_text().splitlines()
    codes = [int(code) for code in Path(f"{home.path}.code").read_text().split()]
    return [line for line in lines if line.startswith("sightline: ")], codes


@pytest.mark.needs("unshare")
def test_a_full_disk_stops_the_worker_and_loses_nothing(home: Home) -> None:
    home.fill(1500)
    completed = _in_a_namespace(home, ON_A_SMALL_DISK.format(small="24m"))
    assert completed.returncode == 0, completed.stderr
    errors, codes = _errors(home)
    assert codes == [4]
    assert len(errors) == 1
    assert "Traceback" not in Path(f"{home.path}.err").read_text()
    status = json.loads(completed.stdout)
    assert status["holds"]
    (run,) = status["runs"]
    assert (run["written"], run["dead"], run["lost"]) == (3000, 0, 0)


@pytest.mark.extended
@pytest.mark.needs("unshare")
def test_a_read_only_disk_is_an_error_of_one_line_and_loses_nothing(home: Home) -> None:
    home.fill(300)
    completed = _in_a_namespace(home, ON_A_READ_ONLY_DISK)
    assert completed.returncode == 0, completed.stderr
    errors, codes = _errors(home)
    assert codes == [4, 4, 4]
    assert len(errors) == 3
    assert "Traceback" not in Path(f"{home.path}.err").read_text()
    (run,) = json.loads(completed.stdout)["runs"]
    assert (run["written"], run["lost"]) == (600, 0)
