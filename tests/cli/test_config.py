"""``sightline config from-stack`` writes the settings of what a stack made."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path

import pytest

from infra.job_settings import job_settings
from infra.stack_reader import read_stack
from sightline.cli import main
from sightline.settings import load_settings
from tests.cli.conftest import Command

STACK = read_stack(
    {"project": "my-project", "listing": "provider/us/exchange/listing", "graceS": "7"}, "prod"
)
OUTPUTS = {"settings": job_settings(STACK), "imageBucket": "some"}


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    file = tmp_path / "outputs.json"
    file.write_text(json.dumps(OUTPUTS))
    return file


def test_the_file_says_what_the_stack_made(
    sightline: Command, outputs: Path, tmp_path: Path
) -> None:
    assert sightline("config", "from-stack", str(outputs)) == {
        "file": "sightline.toml", "written": True
    }  # fmt: skip
    loaded = load_settings(directory=tmp_path, environment={})
    assert (loaded.engine, loaded.gcp.project) == ("gcp", "my-project")
    assert loaded.bigquery.dataset == "sightline_prod"
    assert loaded.bigquery.source == "my-project.sightline_prod_listing.latest_observations"
    assert loaded.pubsub.subscription == "sightline-prod-work"
    assert loaded.pubsub.dead_letter_topic == "sightline-prod-abandoned"
    assert loaded.gcs.bucket == "my-project-sightline-prod-images"
    assert (loaded.models.embed_dimension, loaded.worker.grace_s) == (768, 7.0)


def test_the_same_outputs_again_change_nothing(sightline: Command, outputs: Path) -> None:
    sightline("config", "from-stack", str(outputs))
    assert sightline("config", "from-stack", str(outputs))["written"] is False


def test_a_file_that_differs_is_replaced_only_when_asked(
    sightline: Command, outputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "sightline.toml").write_text('engine = "local"\n')
    assert main(["config", "from-stack", str(outputs)]) == 2
    assert "pass --force to replace it" in capsys.readouterr().err
    assert sightline("config", "from-stack", str(outputs), "--force")["written"] is True


def test_outputs_are_read_from_standard_input_too(
    sightline: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(OUTPUTS)))
    sightline("config", "from-stack", "-", "--file", "cloud.toml")
    assert load_settings(config=tmp_path / "cloud.toml", environment={}).engine == "gcp"


def test_pulumi_is_asked_when_no_outputs_are_given(
    sightline: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bin" / "pulumi"
    program.parent.mkdir()
    program.write_text(
        f"#!{sys.executable}\nimport sys\n"
        "assert sys.argv[1:] == ['stack', 'output', '--json', '--stack', 'prod']\n"
        f"print({json.dumps(OUTPUTS)!r})\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    assert sightline("config", "from-stack", "--stack", "prod")["written"] is True


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("oops", "is not JSON"),
        ("[]", "contains no `settings`"),
        ('{"settings": 1}', "contains no `settings`"),
        ('{"settings": {"engine": "gcp", "nonsense": 1}}', "nonsense is not a setting"),
        ('{"settings": {"bigquery": {"layout": "x"}}}', "bigquery.layout = 'x' is not accepted"),
    ],
)
def test_outputs_that_are_none_are_told(
    text: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "outputs.json"
    file.write_text(text)
    assert main(["config", "from-stack", str(file)]) == 2
    assert message in capsys.readouterr().err


def test_a_file_that_is_not_there_is_told_with_how_to_make_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["config", "from-stack", "nothing.json"]) == 2
    assert "`pulumi stack output --json > nothing.json` creates it" in capsys.readouterr().err


def test_an_absent_or_failing_pulumi_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["config", "from-stack"]) == 2
    assert "pulumi is not on the path" in capsys.readouterr().err
    program = tmp_path / "pulumi"
    program.write_text("#!/bin/sh\necho 'error: no stack selected' >&2\nexit 1\n")
    program.chmod(0o755)
    assert main(["config", "from-stack"]) == 2
    assert "no stack selected" in capsys.readouterr().err
