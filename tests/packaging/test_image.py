"""The container image, shown without a builder of images: each of its steps is run as it stands."""

from __future__ import annotations

import fnmatch
import os
import re
import shlex
import signal
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from tests.conftest import uv
from tests.docs.pages import blocks
from tests.waiting import GIVE_UP_S, wait_until

pytestmark = pytest.mark.xdist_group("wheel")

CHECKOUT = Path(__file__).parents[2]
DOCKERFILE = CHECKOUT / "Dockerfile"
UV = uv()
RUNS = {
    **os.environ,
    "PYTHONDONTWRITEBYTECODE": "1",
    "PATH": f"{UV.parent}:{os.environ['PATH']}" if UV else os.environ["PATH"],
}
"""The variables of the image's steps, among them a path with the uv that ``make`` uses."""


def instructions() -> list[tuple[str, str]]:
    """Return the Dockerfile's instructions and what follows them, continued lines joined."""
    text = DOCKERFILE.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(line.partition(" ")[0], line.partition(" ")[2].strip()) for line in lines]


def of(word: str) -> list[str]:
    return [rest for name, rest in instructions() if name == word]


def final() -> list[tuple[str, str]]:
    """Return the instructions of the last stage."""
    listed = instructions()
    last = max(index for index, (word, _) in enumerate(listed) if word == "FROM")
    return listed[last:]


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the Python of a fresh environment: the wheel, and the dependencies that are here."""
    root = tmp_path_factory.mktemp("app")
    venv.create(root, with_pip=False)
    (packages,) = (root / "lib").glob("python3*/site-packages")
    zipfile.ZipFile(wheel).extractall(packages)
    here = Path(next(path for path in sys.path if path.endswith("site-packages")))
    (packages / "dependencies.pth").write_text(f"{here}\n")  # its own .pth files are not followed
    return root / "bin" / "python"


def test_the_image_has_two_stages_of_one_base_that_can_be_pinned() -> None:
    assert of("FROM") == ["${PYTHON_IMAGE} AS build", "${PYTHON_IMAGE}"]
    assert of("ARG")[0].startswith("PYTHON_IMAGE=python:3.11-slim")
    words = [word for word, _ in final()]
    assert "pip install" not in "".join(rest for _, rest in final())
    assert words.count("COPY") == 1


def test_the_image_runs_as_nobody_and_without_a_shell() -> None:
    (user,) = of("USER")
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)
    assert of("ENTRYPOINT") == ['["python"]']
    assert of("CMD") == ['["-m", "worker"]']
    assert of("STOPSIGNAL") == ["SIGTERM"]
    assert [word for word, _ in final()].index("USER") > [word for word, _ in final()].index("RUN")


def test_all_that_is_copied_is_there_and_sent_to_the_builder() -> None:
    patterns = (CHECKOUT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    sent_patterns = [pattern.removeprefix("!") for pattern in patterns if pattern.startswith("!")]
    copied = [
        name for rest in of("COPY") if "--from" not in rest for name in shlex.split(rest)[:-1]
    ]
    for name in copied:
        assert (CHECKOUT / name).exists(), name
        assert any(fnmatch.fnmatch(name, pattern) for pattern in sent_patterns), name
    assert patterns[1] == "*"


def test_what_the_wheel_is_built_from_is_copied(wheel: Path) -> None:
    copied = {name for rest in of("COPY") for name in shlex.split(rest)[:-1]}
    names = zipfile.ZipFile(wheel).namelist()
    top = {name.partition("/")[0] for name in names if ".dist-info/" not in name}
    assert top == {"sightline", "producer", "worker"}
    assert {*top, "tasks", "pyproject.toml", "uv.lock", "README.md", "LICENSE"} <= copied
    assert not [name for name in names if name.startswith(("infra/", "tests/", "bench/"))]


@pytest.mark.needs("uv")
def test_dependencies_are_those_of_the_lock_each_with_its_hash(tmp_path: Path) -> None:
    command = next(rest for rest in of("RUN") if rest.startswith("uv export"))
    target = tmp_path / "requirements.txt"
    words = shlex.split(command.replace("/requirements.txt", str(target)))
    subprocess.run([*words, "--offline"], check=True, cwd=CHECKOUT, capture_output=True, env=RUNS)
    text = target.read_text(encoding="utf-8").replace("\\\n", " ")
    requirements = [line for line in text.splitlines() if re.match(r"[a-z0-9]", line)]
    assert len(requirements) > 40
    assert [line for line in requirements if "--hash=sha256:" not in line or "==" not in line] == []
    names = {line.partition("==")[0] for line in requirements}
    assert {"google-cloud-pubsub", "opentelemetry-sdk", "orjson"} <= names
    assert not names & {"pulumi", "pulumi-gcp", "pytest", "sightline", "torch"}


@pytest.mark.parametrize(
    ("module", "usage"), [("worker", "sightline work"), ("producer", "sightline enqueue")]
)
def test_the_programs_start_from_the_wheel_alone(
    python: Path, tmp_path: Path, module: str, usage: str
) -> None:
    code = f"import {module}; print({module}.__file__)"
    where = subprocess.run(
        [python, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path, env=RUNS
    ).stdout
    assert where.startswith(str(python.parents[1]))
    help_text = subprocess.run(
        [python, "-m", module, "--help"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env=RUNS,
    ).stdout
    assert f"Usage: {usage}" in help_text


def test_sigterm_reaches_the_worker_and_its_health_is_told(python: Path, tmp_path: Path) -> None:
    heartbeat = tmp_path / "heartbeat"
    health = [str(python), "-m", "worker.heartbeat", str(heartbeat)]
    assert subprocess.run(health, check=False, capture_output=True).returncode == 1
    worker = subprocess.Popen(
        [python, "-m", "worker"],
        cwd=tmp_path,
        env={**RUNS, "SIGHTLINE_WORKER__HEARTBEAT_FILE": str(heartbeat)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    wait_until(lambda: heartbeat.exists() or worker.poll() is not None)
    healthy = subprocess.run(health, check=False, capture_output=True).returncode
    worker.send_signal(signal.SIGTERM)
    output, _ = worker.communicate(timeout=GIVE_UP_S)
    assert (healthy, worker.returncode) == (0, 0), output
    assert not heartbeat.exists()


def test_a_probe_of_health_loads_nothing_heavy(python: Path, tmp_path: Path) -> None:
    code = "import sys, worker.heartbeat; print(len(sys.modules), 'duckdb' in sys.modules)"
    lines = subprocess.run(
        [python, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path, env=RUNS
    ).stdout.split()
    assert int(lines[0]) < 300
    assert lines[1] == "False"


@pytest.mark.needs("uv")
def test_the_wheel_and_its_locked_dependencies_do_the_job_in_an_empty_environment(
    wheel: Path, tmp_path: Path
) -> None:
    app = tmp_path / "app"
    steps = [rest for rest in of("RUN") if rest.startswith("uv ")]
    assert [step.split()[1] for step in steps] == [
        "export", "export", "venv", "pip", "build", "pip"
    ]  # fmt: skip
    for step in steps:
        words = re.sub(r"(?<= )/(?=\w)", f"{tmp_path}/", step).replace("--compile-bytecode ", "")
        words = words.replace(f"{tmp_path}/dist/*.whl", f"{tmp_path}/dist/{wheel.name}")
        subprocess.run(shlex.split(words), check=True, cwd=CHECKOUT, capture_output=True, env=RUNS)
    for extra in ("", "google.pubsub_v1", "opentelemetry.sdk.metrics"):
        code = f"import worker.main{', ' + extra if extra else ''}"
        subprocess.run([app / "bin" / "python", "-c", code], check=True, cwd=tmp_path)
    help_text = subprocess.run(
        [app / "bin" / "python", "-m", "worker", "--help"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    ).stdout
    assert "Usage: sightline work" in help_text
    assert not list(app.rglob("site-packages/pulumi"))
    render = ["-m", "sightline", "render", "streets", "photos", "--count", "6"]
    example = next(block.text for block in blocks(CHECKOUT / "docs" / "python.md"))
    for arguments in (render, ["-c", example]):
        completed = subprocess.run(
            [app / "bin" / "python", *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
    assert completed.stdout.startswith(
        "6 images\n6 messages, about 0.0 US dollars\nevery observation matches a task\n6 answers\n"
    )
