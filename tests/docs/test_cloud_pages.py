"""The blocks of each cloud page, copied from top to bottom into one shell, lack nothing.

Stand-ins take the place of Google's commands, of Pulumi and of Docker: they record what they are
asked, and answer what a later line needs. ``sightline`` is there only once an environment is made
and activated, and Pulumi refuses to run without ``uv``, as Pulumi.yaml wants it.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from sightline.operations.doctor.pulumi_needs import APIS, ROLES
from tests.conftest import CHECKOUT
from tests.docs.pages import blocks
from tests.docs.shell_commands import complaint

DOCS = CHECKOUT / "docs"
GCP = "google-cloud.md"
INFRA = "infrastructure.md"
ACCOUNT = "bqcx-1@gcp-sa-bigquery-condel.iam.gserviceaccount.com"
AGENT = "service-123456789012@gcp-sa-{}.iam.gserviceaccount.com"
STAND_IN = """#!/bin/sh
printf '%s' "$(basename "$0")" >> "$WALK_LOG"
for word in "$@"; do printf '\\t%s' "$word" >> "$WALK_LOG"; done
printf '\\n' >> "$WALK_LOG"
case "$(basename "$0") $*" in
  "gcloud config get account") echo me@example.com ;;
  "gcloud projects describe"*) echo 123456789012 ;;
  "bq show --connection"*) echo '{"cloudResource": {"serviceAccountId": "ACCOUNT"}}' ;;
  "pulumi stack output imageRepository") echo europe-west4-docker.pkg.dev/my-project/sightline ;;
  "pulumi stack output imageBucket") echo my-project-images ;;
  "pulumi up"*|"pulumi preview"*) command -v uv > /dev/null || { echo "uv is missing"; exit 1; } ;;
  "make setup")
    mkdir -p .venv/bin .cache/uv-tool/bin
    cp "$0" .venv/bin/sightline
    cp "$0" .cache/uv-tool/bin/uv
    echo 'PATH="$PWD/.venv/bin:$PATH"' > .venv/bin/activate ;;
esac
""".replace("ACCOUNT", ACCOUNT)


@dataclass(frozen=True, slots=True)
class Walk:
    """What a shell did with the blocks of a page: every command that the stand-ins were asked."""

    commands: tuple[tuple[str, ...], ...]

    def of(self, *words: str) -> list[tuple[str, ...]]:
        """Return the commands that begin with some words."""
        return [command for command in self.commands if command[: len(words)] == words]

    def first(self, *words: str) -> int:
        """Return where the first command stands that begins with some words."""
        return self.commands.index(self.of(*words)[0])

    def enabled(self) -> set[str]:
        """Return the APIs that are enabled."""
        return {
            word
            for command in self.of("gcloud", "services", "enable")
            for word in command[3:]
            if not word.startswith("-")
        }

    def roles(self, member: str) -> set[str]:
        """Return the roles that somebody is granted."""
        return {
            word.removeprefix("--role=")
            for command in self.commands
            if f"--member={member}" in command
            for word in command
            if word.startswith("--role=")
        }


def scripts(page: str, *titles: str) -> list[str]:
    """Return the blocks of a page, or of some of its sections, in order."""
    lines = (DOCS / page).read_text(encoding="utf-8").splitlines()
    title, of_line = "", []
    for line in lines:
        title = line.removeprefix("## ") if line.startswith("## ") else title
        of_line.append(title)
    assert set(titles) <= set(of_line)
    return [
        block.text
        for block in blocks(DOCS / page)
        if block.language == "sh" and (not titles or of_line[block.line - 1] in titles)
    ]


def walk(folder: Path, blocks_of_page: Iterable[str]) -> Walk:
    """Run blocks in one shell that ends at the first error, and at a variable that is not set."""
    stand_ins, log = folder / "stand-ins", folder / "log"
    stand_ins.mkdir()
    for name in ("gcloud", "bq", "pulumi", "docker", "kubectl", "make"):
        (stand_ins / name).write_text(STAND_IN)
        (stand_ins / name).chmod(0o755)
    clone = folder / "clone"
    (clone / "photos").mkdir(parents=True)
    (clone / "sightline.toml").write_text("")
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(blocks_of_page)],
        cwd=clone,
        env={
            "HOME": str(folder / "home"),
            "PATH": f"{stand_ins}{os.pathsep}/usr/bin{os.pathsep}/bin",
            "WALK_LOG": str(log),
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    lines = log.read_text().splitlines()
    assert done.returncode == 0, f"{lines[-1] if lines else ''}\n{done.stdout}\n{done.stderr}"
    return Walk(tuple(tuple(line.split("\t")) for line in lines))


def check(walked: Walk) -> None:
    """Check that no command has an empty word, and each has its shape once a shell is done."""
    for command in walked.commands:
        line = shlex.join(command)
        assert all(word and not word.endswith((":", "=", "//")) for word in command), line
        assert "$" not in line
        if command[0] not in {"sightline", "make", "uv"}:
            assert complaint(command) == "", line


TOPIC = {
    "urn": "urn:pulumi:dev::sightline::gcp:pubsub/topic:Topic::work",
    "type": "gcp:pubsub/topic:Topic",
    "inputs": {"project": "my-project", "name": "work"},
}
BEGIN = ("1. Names, and access", "2. Sightline, and its settings", "3. Images")
NEEDED = {
    f"{name}.googleapis.com"
    for name in (
        "aiplatform", "analyticshub", "bigquery", "bigquerystorage", "pubsub", "storage",
    )
}  # fmt: skip


def test_the_page_on_google_cloud_is_one_script(tmp_path: Path) -> None:
    walked = walk(tmp_path, scripts(GCP))
    check(walked)
    assert walked.enabled() == NEEDED
    create = ("gcloud", "storage", "buckets", "create", "gs://my-images")
    assert walked.first(*create) < walked.first("sightline", "upload")
    assert walked.of("sightline", "upload", "photos", "gs://my-images/photos")
    agent = f"serviceAccount:{AGENT.format('aiplatform')}"
    assert walked.roles(agent) == {"roles/storage.objectViewer"}
    forwarder = f"serviceAccount:{AGENT.format('pubsub')}"
    assert walked.roles(forwarder) == {"roles/pubsub.publisher", "roles/pubsub.subscriber"}
    assert walked.first("sightline", "setup") < walked.first("gcloud", "pubsub")
    assert walked.first("gcloud", "pubsub") < walked.first("sightline", "doctor")


def test_the_page_on_the_infrastructure_is_one_script(tmp_path: Path) -> None:
    walked = walk(tmp_path, scripts(INFRA, "From an empty project to first results"))
    check(walked)
    assert {*APIS, "cloudbilling.googleapis.com"} <= walked.enabled()
    doctor = walked.first("sightline", "doctor", "--cloud")
    assert walked.first("gcloud", "services", "enable") < doctor < walked.first("pulumi", "up")
    assert walked.roles("user:me@example.com") - {"roles/cloudbuild.builds.editor"} == set(ROLES)
    image = "europe-west4-docker.pkg.dev/my-project/sightline/sightline:1"
    assert walked.of("gcloud", "auth", "configure-docker", "europe-west4-docker.pkg.dev")
    assert walked.of("docker", "build", "--platform", "linux/amd64", "-t", image)
    assert f"--tag={image}" in walked.of("gcloud", "builds", "submit")[0]
    assert walked.first("docker", "push") < walked.first("pulumi", "config", "set", "image", image)


def test_the_page_without_a_fleet_is_one_script(tmp_path: Path) -> None:
    own = scripts("without-a-fleet.md", "Set up", "Do the job", "By batch jobs")
    walked = walk(tmp_path, [*scripts(GCP, *BEGIN), *own])
    check(walked)
    connection = walked.first("bq", "mk", "--connection", "--connection_type=CLOUD_RESOURCE")
    assert connection < walked.first("bq", "show")
    assert walked.roles(f"serviceAccount:{ACCOUNT}") == {
        "roles/aiplatform.user",
        "roles/storage.objectViewer",
    }
    agent = f"serviceAccount:{AGENT.format('aiplatform')}"
    assert "roles/storage.objectUser" in walked.roles(agent)
    settings = (tmp_path / "clone" / "sightline.toml").read_text()
    assert 'connection = "my-project.us.sightline-models"' in settings
    assert 'bucket = "gs://my-project-sightline-batch"' in settings


def test_the_part_of_another_combination_that_is_in_the_cloud_is_one_script(
    tmp_path: Path,
) -> None:
    begin = ["make setup\nsource .venv/bin/activate\n"]
    own = scripts("mix-and-match.md", "The cloud's queue, results at home")
    walked = walk(tmp_path, [*begin, *own])
    check(walked)
    assert walked.first("gcloud", "services", "enable") < walked.first("sightline", "setup")
    assert walked.roles("user:me@example.com") == {"roles/pubsub.admin"}


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ('gcloud storage buckets create "gs://$BUCKET"', "BUCKET: unbound variable"),
        ("sightline setup", "sightline: command not found"),
        ("pulumi up", "uv is missing"),
    ],
)
def test_what_a_page_would_lack_is_noticed(tmp_path: Path, script: str, says: str) -> None:
    with pytest.raises(AssertionError, match=says):
        walk(tmp_path, ["make other", script])


def test_the_repair_of_an_interrupted_up_runs_in_a_plain_shell(tmp_path: Path) -> None:
    begun = {"type": "creating", "resource": TOPIC}
    state = {"version": 3, "deployment": {"resources": [], "pending_operations": [begun]}}
    (tmp_path / "state.json").write_text(json.dumps(state))
    pulumi = tmp_path / "pulumi"
    pulumi.write_text(
        '#!/bin/sh\ncase "$*" in\n'
        '  "stack export") cat state.json ;;\n  "stack import") cat > imported.json ;;\nesac\n'
    )
    pulumi.chmod(0o755)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    (tmp_path / "infra").symlink_to(CHECKOUT / "infra")
    (script,) = scripts(INFRA, "When `up` was interrupted")
    done = subprocess.run(
        ["sh", "-euc", script],
        cwd=tmp_path,
        env={"HOME": str(tmp_path), "PATH": f"{tmp_path}{os.pathsep}/usr/bin{os.pathsep}/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    (imported,) = json.loads((tmp_path / "imported.json").read_text())["deployment"]["resources"]
    assert imported["id"] == "projects/my-project/topics/work"


def test_no_block_calls_python_by_a_name_that_a_plain_shell_may_not_have() -> None:
    bare = [
        block.where
        for page in sorted(DOCS.rglob("*.md"))
        for block in blocks(page)
        if block.language == "sh"
        and re.search(r"(^|[|;&] *)(python|pip) ", block.text, re.MULTILINE)
    ]
    assert bare == []
