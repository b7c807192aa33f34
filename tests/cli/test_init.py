"""``sightline init`` writes a settings file that is valid, and replaces none unasked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from sightline.cli import main
from sightline.settings import Settings, load_settings
from tests.cli.conftest import Command, Mistake

CLOUD = ("--engine", "gcp", "--project", "my-project")


def test_the_file_for_this_machine_says_what_is_so_without_it(
    sightline: Command, tmp_path: Path
) -> None:
    assert sightline("init") == {"file": "sightline.toml", "engine": "local", "written": True}
    assert load_settings(directory=tmp_path, environment={}) == Settings(
        home=tmp_path / ".sightline"
    )


def test_the_file_for_google_cloud_is_valid_and_says_what_was_asked(
    sightline: Command, tmp_path: Path
) -> None:
    sightline(
        "init", "cloud.toml", *CLOUD, "--dataset", "roads", "--location", "europe-west4",
        "--source", "other-project.linked.latest_observations", "--bucket", "my-bucket",
    )  # fmt: skip
    loaded = load_settings(config=tmp_path / "cloud.toml", environment={})
    assert (loaded.engine, loaded.gcp.project) == ("gcp", "my-project")
    assert loaded.bigquery.dataset == "roads"
    assert loaded.bigquery.location == "europe-west4"
    assert loaded.bigquery.source == "other-project.linked.latest_observations"
    assert loaded.gcs.bucket == "my-bucket"
    assert (loaded.models.classify, loaded.vertex.location) == ("gemini-3.5-flash-lite", "global")
    assert (loaded.models.embed, loaded.models.embed_dimension) == ("gemini-embedding-2", 768)


def test_the_models_of_the_file_are_served_and_priced(sightline: Command, tmp_path: Path) -> None:
    from datetime import date

    from sightline.prices import load_prices, price_of
    from sightline.wiring.places import vertex_place

    sightline("init", *CLOUD)
    loaded = load_settings(directory=tmp_path, environment={})
    for model, port in ((loaded.models.classify, "classify"), (loaded.models.embed, "embed")):
        vertex_place(loaded, port).check_served(model)  # type: ignore[arg-type]  # one of the two
        assert price_of(load_prices(), model, date(2026, 11, 21)).model == model


def test_every_setting_of_the_file_has_a_comment_above_it_or_its_neighbour(
    sightline: Command, tmp_path: Path
) -> None:
    sightline("init", *CLOUD)
    above = ""
    for line in (tmp_path / "sightline.toml").read_text().splitlines():
        if "=" in line and not line.startswith("#"):
            assert above.startswith(("#", "[embed_limit]")) or "=" in above, line
        above = line


def test_a_project_says_that_the_cloud_is_meant(sightline: Command) -> None:
    assert sightline("init", "--project", "my-project")["engine"] == "gcp"


def test_writing_the_same_again_changes_nothing(sightline: Command, tmp_path: Path) -> None:
    sightline("init", *CLOUD)
    before = (tmp_path / "sightline.toml").stat().st_mtime_ns
    assert sightline("init", *CLOUD)["written"] is False
    assert (tmp_path / "sightline.toml").stat().st_mtime_ns == before


def test_a_file_that_differs_is_replaced_by_force_only(
    sightline: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "sightline.toml").write_text("# mine\n")
    assert main(["init"]) == 2
    assert (
        "sightline.toml already exists and differs; pass --force to replace it"
        in capsys.readouterr().err
    )
    assert (tmp_path / "sightline.toml").read_text() == "# mine\n"
    assert sightline("init", "--force")["written"] is True


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--engine", "gcp"), "give --project PROJECT"),
        (("--project", "Not A Project"), "accepted: a project's id"),
        ((*CLOUD, "--dataset", 'a"b'), "accepted: letters, digits"),
        ((*CLOUD, "--location", "the moon"), "accepted: US, EU, or a region"),
        ((*CLOUD, "--source", "only.two"), "accepted: project.dataset.table"),
        ((*CLOUD, "--bucket", "gs://b"), "without gs://"),
        (("--engine", "local", "--bucket", "b"), "give --engine gcp"),
        (("nowhere/sightline.toml",), "give another"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(
    arguments: Sequence[str], message: str, tmp_path: Path, mistake: Mistake
) -> None:
    mistake("init", *arguments, says=message, code={2, 4})
    assert list(tmp_path.iterdir()) == []
