"""Settings: precedence, and complaints that name key, value and what is accepted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sightline.errors import ConfigurationError
from sightline.settings import as_environment, describe, load_settings


def load(tmp_path: Path, text: str = "", env: dict[str, str] | None = None, **over: Any) -> Any:
    (tmp_path / "sightline.toml").write_text(text)
    return load_settings(environment=env or {}, overrides=over, directory=tmp_path)


def test_later_sources_win(tmp_path: Path) -> None:
    text = 'home = "there"\n[worker]\ngrace_s = 1\nlease_s = 10\n'
    settings = load(tmp_path, text, {"SIGHTLINE_WORKER__GRACE_S": "2.5"})
    assert (settings.worker.grace_s, settings.worker.lease_s) == (2.5, 10.0)
    assert settings.home == tmp_path / "there"
    assert load(tmp_path, text, home=Path("/x")).home == Path("/x")
    assert load(tmp_path).home == tmp_path / ".sightline"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("colour = 1", "colour is not a setting; accepted: adapters"),
        (
            "[worker]\ngrace = 1",
            r"worker.grace is not a setting \(did you mean grace_s\?\); accepted: backoff_s",
        ),
        (
            '[worker]\ngrace_s = "long"',
            "grace_s = 'long' is not accepted; accepted: a number, 0 to",
        ),
        ("[worker]\ngrace_s = -1", "worker.grace_s = -1 is not accepted; accepted: a number, 0 to"),
        ("[worker]\ngrace_s = nan", "worker.grace_s = nan is not accepted"),
        ("[worker]\ngrace_s = inf", "worker.grace_s = inf is not accepted"),
        ('engine = "spark"', "engine = 'spark' is not accepted; accepted: local"),
        ("[telemetry]\nprometheus_port = 65536", "prometheus_port = 65536 is not accepted"),
        ('[telemetry]\notlp_endpoint = "collector:4318"', "a URL such as http://127.0.0.1:4318"),
        (
            '[telemetry]\nlog_format = "xml"',
            "log_format = 'xml' is not accepted; accepted: text, j",
        ),
        ("worker = 1", r"worker = 1 must be a table \[worker\]"),
        ("[worker", "cannot be read"),
    ],
)
def test_a_mistake_names_key_value_and_what_is_accepted(
    tmp_path: Path, text: str, complaint: str
) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        load(tmp_path, text)


@pytest.mark.parametrize(
    "url", ["https://user:hunter2@collector", "https://collector/v1?key=hunter2"]
)
def test_an_endpoint_with_credentials_is_refused_and_not_repeated(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigurationError, match="OTEL_EXPORTER_OTLP_HEADERS") as refused:
        load(tmp_path, f'[telemetry]\notlp_endpoint = "{url}"')
    assert "hunter2" not in str(refused.value)


def test_a_port_is_a_number_or_not_set(tmp_path: Path) -> None:
    assert load(tmp_path).telemetry.prometheus_port is None
    assert load(tmp_path, "[telemetry]\nprometheus_port = 0").telemetry.prometheus_port == 0
    name = "SIGHTLINE_TELEMETRY__PROMETHEUS_PORT"
    assert load(tmp_path, env={name: "9464"}).telemetry.prometheus_port == 9464
    assert load(tmp_path, env={name: ""}).telemetry.prometheus_port is None


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no settings file"):
        load_settings(config=tmp_path / "no.toml", environment={}, directory=tmp_path)


def test_settings_can_be_described_as_plain_values(tmp_path: Path) -> None:
    assert describe(load(tmp_path))["home"] == str(tmp_path / ".sightline")


def test_another_process_can_be_handed_the_very_same_settings(tmp_path: Path) -> None:
    (tmp_path / "sightline.toml").write_text(
        'engine = "gcp"\nhome = "h"\ntasks_dir = "t"\n[worker]\ngrace_s = 2.5\n'
        '[bigquery]\nsource = "p.d.t"\n[bigquery.columns]\nasset_id = "a.b"\nmap_url = ""\n'
        '[images]\nroots = ["a", "/b:c", "d,e"]\nbuckets = ["one", "two"]\n'
    )
    settings = load_settings(directory=tmp_path, environment={})
    handed = load_settings(directory=tmp_path / "elsewhere", environment=as_environment(settings))
    assert handed == settings


def test_a_list_is_read_from_a_file_and_from_the_environment(tmp_path: Path) -> None:
    listed = load(tmp_path, '[images]\nroots = ["a", "/b"]\nbuckets = ["one", "two"]').images
    assert listed.roots == (tmp_path / "a", Path("/b"))
    assert listed.buckets == ("one", "two")
    name = "SIGHTLINE_IMAGES__BUCKETS"
    assert load(tmp_path, env={name: '["a-b", "c"]'}).images.buckets == ("a-b", "c")
    assert load(tmp_path, env={name: "only"}).images.buckets == ("only",)
    assert load(tmp_path, env={name: ""}).images.buckets == ()


@pytest.mark.parametrize("value", ["3", "[3]", '{a = "b"}'])
def test_a_list_of_anything_but_texts_is_refused(tmp_path: Path, value: str) -> None:
    with pytest.raises(ConfigurationError, match=r"images\.roots = .* accepted: a list of texts"):
        load(tmp_path, f"[images]\nroots = {value}")


@pytest.mark.parametrize("name", ["gs://b", "b/p", "", "B", "*"])
def test_a_bucket_is_given_by_its_name(tmp_path: Path, name: str) -> None:
    complaint = r"images\.buckets = .* accepted: .* a bucket's name"
    with pytest.raises(ConfigurationError, match=complaint):
        load(tmp_path, f'[images]\nbuckets = ["{name}"]')
