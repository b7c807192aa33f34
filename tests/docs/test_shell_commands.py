"""Every gcloud, bq, pulumi, kubectl and docker command that is shown can be typed as it is shown.

Each is held to a table of shapes that was read from the programs' help; where a program is
installed, the table and the commands are held to the program itself.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from infra.recording import DEV, run
from scripts.build_tools import place
from sightline.gcp.bigquery.place import BigQueryPlace
from sightline.gcp.pubsub import PubSubPlace
from sightline.gcp.pubsub.setup import QueueResource, QueueShape, agent_grants, repair_command
from sightline.operations.doctor.remedies import grant_on_bucket, grant_on_project, vertex_agent
from sightline.operations.expected_tables import mend_table
from sightline.schema import LEDGERS
from sightline.settings import GcpSettings, Settings
from tests.conftest import CHECKOUT
from tests.docs.pages import all_pages, blocks, rows, sections
from tests.docs.shell_commands import (
    VALUE,
    ShellCommand,
    commands_in,
    complaint,
    shape_of,
    shapes,
    shown_commands,
    source_commands,
)

SETTINGS = Settings(engine="gcp", gcp=GcpSettings("my-project"))
ASKS = re.compile(
    r"(pulumi (up|destroy|login)|pulumi refresh|gcloud auth (application-default )?login)"
)
"""Commands that ask a person something, and read what is pasted after them as the answer."""


@cache
def printed() -> tuple[ShellCommand, ...]:
    """Return commands that the program puts together, as it prints them."""
    place = PubSubPlace("my-project", "work", "work", "work-abandoned")
    shape = QueueShape(place, "work-abandoned", 5)
    path = place.subscription_path
    shaped = QueueResource(
        "subscription", path, existed=True, differences=("the ack deadline is 10 s",)
    )
    bound = QueueResource(
        "subscription", path, existed=True, differences=("it is bound to another",)
    )
    ledger, where = LEDGERS[0], BigQueryPlace("my-project", "sightline")
    lines = [
        repair_command(shape, shaped),
        repair_command(shape, bound),
        *agent_grants(shape),
        grant_on_project(SETTINGS, "roles/pubsub.viewer"),
        grant_on_bucket("images", vertex_agent(SETTINGS)),
        mend_table(where, ledger, [f"{ledger.name}.{ledger.columns[0].name} is missing"]),
        mend_table(where, ledger, ["a column has another type"]),
    ]
    lines += _told({**DEV, "image": ""})
    lines += _told({**DEV, "fleet": "gke"})
    lines += _told({**DEV, "fleet": "job", "imageBucket": "theirs", "grantOnBucket": "false"})
    key = "projects/p/locations/us/keyRings/r/cryptoKeys/k"
    lines += _told({**DEV, "kmsKey": key})
    lines += _told({**DEV, "imageBucket": "theirs"})
    return tuple(command for line in lines for command in commands_in(line, "printed"))


def _told(settings: dict[str, str]) -> Iterator[str]:
    outputs = run(settings).outputs
    yield from outputs["next"]
    yield from outputs.get("grantCommands", ())
    yield from outputs.get("keptGrants", ())
    for name in ("applyCommand", "drainCommand", "enqueueCommand"):
        if name in outputs:
            yield outputs[name]


def of(*tools: str) -> list[ShellCommand]:
    """Return the commands of some programs that pages show and the program prints, once each."""
    shown = {command.words: command for command in (*shown_commands(), *printed())}
    return [
        command for command in shown.values() if command.words[0] in tools and not is_named(command)
    ]


def is_named(command: ShellCommand) -> bool:
    """Return whether the running text of a page only names a command, without its arguments."""
    return ", line " not in command.where and " ".join(command.words) in shapes()


def test_every_command_on_a_page_has_its_shape() -> None:
    wrong = {
        f"{command.where}: {command.text}": complained
        for command in shown_commands()
        if (complained := complaint(command.words, partial=is_named(command)))
    }
    assert not wrong


def test_every_command_in_the_texts_of_the_program_has_its_shape() -> None:
    wrong = {
        f"{command.where}: {command.text}": complained
        for command in source_commands()
        if (complained := complaint(command.words, partial=True))
    }
    assert not wrong


def test_every_command_that_is_put_together_has_its_shape() -> None:
    assert len(printed()) > 15
    wrong = {
        command.text: complained
        for command in printed()
        if (complained := complaint(command.words))
    }
    assert not wrong


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("gcloud services enable", "does not take the arguments"),
        ("gcloud services enable a.googleapis.com --projct=x", "has no --projct"),
        ("gcloud service enable a.googleapis.com", "is not in"),
        ("gcloud builds submit . --tag", "needs a value"),
        ("bq mk --conection x", "has no --conection"),
        ("pulumi config set producerArguments '--asset-type road_sign'", "has no --asset-type"),
        ("pulumi config set project", "does not take the arguments"),
    ],
)
def test_a_command_that_cannot_be_typed_is_noticed(line: str, says: str) -> None:
    (command,) = commands_in(line, "here")
    assert says in complaint(command.words)


def test_commands_are_found_wherever_a_shell_finds_them() -> None:
    script = (
        'NUMBER=$(gcloud projects describe "$P" --format=json | python3 -c "print(f(g()))")\n'
        "for ROLE in a b; do\n"
        "  gcloud services enable x \\\n    --project=y  # a comment\n"
        "done\n"
        "cat > file <<END\ngcloud is not a command here\nEND\n"
        "pulumi stack export | kubectl apply -f - && docker push x\n"
    )
    assert [command.text for command in commands_in(script, "here")] == [
        "gcloud projects describe '$P' --format=json",
        "gcloud services enable x --project=y",
        "pulumi stack export",
        "kubectl apply -f -",
        "docker push x",
    ]


def test_the_table_lists_what_is_shown_and_nothing_else() -> None:
    used: dict[str, set[str]] = {name: set() for name in shapes()}
    for command in (*shown_commands(), *source_commands(), *printed()):
        shape = shape_of(command.words)
        if shape is not None:
            words = {word.partition("=")[0] for word in command.words}
            used[shape.name] |= {name for name in shape.options if name.rstrip("=") in words}
    unused = {name: shapes()[name].options - options for name, options in used.items()}
    assert {name: options for name, options in unused.items() if options} == {}
    shown = {shape.name for command in _all() if (shape := shape_of(command.words))}
    assert set(shapes()) - shown == set()


def _all() -> Iterator[ShellCommand]:
    yield from shown_commands()
    yield from source_commands()
    yield from printed()


def test_a_command_that_asks_something_is_the_last_of_its_block() -> None:
    pasted_over = [
        f"{block.where}: {line}"
        for page in all_pages()
        for block in blocks(page)
        if block.language == "sh"
        for line in block.text.replace("\\\n", " ").strip().splitlines()[:-1]
        if ASKS.match(line) and "--yes" not in line
    ]
    assert not pasted_over


def test_what_no_test_runs_is_listed_on_the_page_of_proofs() -> None:
    page = CHECKOUT / "docs" / "proof.md"
    listed = rows(sections(page, 2)["Commands that no test runs"])
    names = {name.strip("`") for name, _ in listed}
    assert names == {name for name in shapes() if not name.startswith("pulumi")}


def typed(command: ShellCommand) -> str:
    """Return a command with something in the place of each of a shell's variables."""
    words = (re.sub(r"\$\w+|\$\{[^}]*\}|VALUE", "x1", word) for word in command.words)
    return " ".join(word.replace("gs://...", "gs://x1") for word in words)


@pytest.mark.extended
@pytest.mark.needs("gcloud")
def test_the_installed_gcloud_parses_every_command(tmp_path: Path) -> None:
    lines = [typed(command) for command in of("gcloud")]
    assert len(lines) > 20
    listed = tmp_path / "commands.json"
    commands = [*lines, "gcloud services enable x --projct=y"]
    listed.write_text(json.dumps([{"command_string": line} for line in commands]))
    done = _run(["gcloud", "meta", "lint-gcloud-commands", f"--commands-file={listed}"], tmp_path)
    assert done.stdout, done.stderr
    *answers, noticed = json.loads(done.stdout)
    wrong = {it["command_string"]: it["error_message"] for it in answers if not it["success"]}
    assert not wrong
    assert len(answers) == len(lines)
    assert not noticed["success"]


@pytest.mark.extended
@pytest.mark.needs("gcloud")
@pytest.mark.parametrize("name", [name for name in shapes() if name.startswith("gcloud")])
def test_the_help_of_the_installed_gcloud_has_every_option(name: str, tmp_path: Path) -> None:
    check_help(name, [*name.split(), "--help"], tmp_path)


@pytest.mark.extended
@pytest.mark.needs("bq")
@pytest.mark.parametrize("name", [name for name in shapes() if name.startswith("bq")])
def test_the_help_of_the_installed_bq_has_every_option(name: str, tmp_path: Path) -> None:
    _, command = name.split()
    overall = _run(["bq", "--help"], tmp_path).stdout
    check_help(name, ["bq", "help", command], tmp_path, overall)


@pytest.mark.extended
@pytest.mark.needs("go")
@pytest.mark.parametrize("name", [name for name in shapes() if name.startswith("pulumi")])
def test_the_help_of_pulumi_has_every_option(name: str, tmp_path: Path) -> None:
    check_help(name, [str(place("pulumi")), *name.split()[1:], "--help"], tmp_path)


def check_help(name: str, command: list[str], folder: Path, overall: str = "") -> None:
    """Check that each option of a shape is in the help of its command, with a value or none."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", _run(command, folder).stdout + overall)
    assert len(text) > 200, text
    for option in shapes()[name].options | {"--nonsense"}:
        plain = option.rstrip("=").lstrip("-")
        is_there = re.search(rf"--(\[no-?\])?{re.escape(plain)}\b", text) is not None
        assert is_there is (plain != "nonsense"), option


def _run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    settings = {"CLOUDSDK_CONFIG": str(folder), "CLOUDSDK_CORE_DISABLE_PROMPTS": "1"}
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, **settings, "HOME": str(folder), "PAGER": "cat"},
    )


class Pulumi:
    """The engine's own command, in a folder with ``Pulumi.yaml`` and a state of its own."""

    def __init__(self, folder: Path) -> None:
        shutil.copy(CHECKOUT / "Pulumi.yaml", folder)
        (folder / "state").mkdir()
        self._folder = folder

    def types(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(place("pulumi")), *arguments],
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env={
                **os.environ,
                "HOME": str(self._folder),
                "PULUMI_BACKEND_URL": f"file://{self._folder / 'state'}",
                "PULUMI_CONFIG_PASSPHRASE": "only-for-tests",
                "PULUMI_SKIP_UPDATE_CHECK": "true",
            },
        )


@pytest.fixture
def pulumi(tmp_path: Path) -> Pulumi:
    return Pulumi(tmp_path)


@pytest.mark.needs("go")
def test_pulumi_takes_a_value_that_begins_with_a_hyphen_as_the_page_writes_it(
    pulumi: Pulumi,
) -> None:
    assert pulumi.types("stack", "init", "prod").returncode == 0
    (words,) = {command.words for command in of("pulumi") if "producerArguments" in command.words}
    assert pulumi.types(*words[1:]).returncode == 0
    value = pulumi.types("config", "get", "producerArguments").stdout
    assert value == "--asset-type road_sign --max-cost 20\n"
    refused = pulumi.types(*[word for word in words[1:] if word != "--"])
    assert "unknown flag" in refused.stderr


@pytest.mark.extended
@pytest.mark.needs("go")
def test_pulumi_takes_every_key_as_the_pages_set_it(pulumi: Pulumi) -> None:
    setting = [
        command.words
        for command in of("pulumi")
        if command.words[:3] == ("pulumi", "config", "set")
        and command.words[3] not in {"KEY", VALUE}
    ]
    assert pulumi.types("stack", "init", "prod").returncode == 0
    for words in setting:
        done = pulumi.types(*words[1:])
        assert done.returncode == 0, f"{words}: {done.stderr}"
        assert pulumi.types("config", "get", words[3]).stdout.rstrip("\n") == words[-1]
