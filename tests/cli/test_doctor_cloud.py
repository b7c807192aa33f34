"""``sightline doctor`` on Google Cloud: all is well, then each thing is broken in its turn."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sightline.cli import main
from sightline.gcp.bigquery.client import BigQueryClient
from sightline.gcp.pubsub.clients import publisher_client, subscriber_client
from sightline.settings import load_settings
from sightline.sim.vertex import Behaviour, Fault, FaultMix
from sightline.sim.vertex.server import VertexSimulator
from sightline.wiring.places import bigquery_place, pubsub_place
from tests.cli.cloud_rig import NOBODY, CloudProject, make_bucket, simulator_beside
from tests.cli.conftest import Command
from tests.gcp.servers import BigQueryEmulator, GcsServer, Pstest

pytestmark = pytest.mark.needs("go")

Findings = dict[str, dict[str, Any]]

GRANT_USER = (
    'gcloud projects add-iam-policy-binding sightline-test --member="user:$(gcloud config get'
    ' account)" --role=roles/aiplatform.user'
)


@pytest.fixture(scope="module")
def running() -> Iterator[VertexSimulator]:
    with simulator_beside() as served_simulator:
        yield served_simulator


@pytest.fixture
def simulator(running: VertexSimulator) -> Iterator[VertexSimulator]:
    running.behave(Behaviour())
    running.counters.clear()
    yield running
    running.behave(Behaviour())


@pytest.fixture(scope="module")
def sound(
    bigquery_emulator: BigQueryEmulator,
    pstest: Pstest,
    gcs: GcsServer,
    running: VertexSimulator,
    tmp_path_factory: pytest.TempPathFactory,
    rendered: Path,
) -> CloudProject:
    """Return a project in which nothing is missing; made once, and left as it is."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("sound")
        cloud = CloudProject(folder, patch, bigquery=bigquery_emulator, pubsub=pstest, gcs=gcs)
        cloud.let("VERTEX__ENDPOINT", running.base_url)
        make_bucket(gcs, cloud.bucket)
        cloud.let("WORKER__PEERS", f"gs://{cloud.bucket}/peers")
        assert main(["setup"]) == 0
        table = str(rendered / "observations.csv")
        assert main(["upload", str(rendered), "--observations", table]) == 0
    return cloud


@pytest.fixture
def project(
    sound: CloudProject, monkeypatch: pytest.MonkeyPatch, sightline: Command
) -> CloudProject:
    return sound.within(monkeypatch)


@pytest.fixture
def broken(
    bigquery_emulator: BigQueryEmulator,
    pstest: Pstest,
    gcs: GcsServer,
    running: VertexSimulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> CloudProject:
    """Return a project in which nothing is there yet, to be made and broken."""
    cloud = CloudProject(tmp_path, monkeypatch, bigquery=bigquery_emulator, pubsub=pstest, gcs=gcs)
    cloud.let("VERTEX__ENDPOINT", running.base_url)
    return cloud


@pytest.fixture
def examine(sightline: Command) -> Callable[..., Findings]:
    """Return a function that runs the doctor: findings by what they are about."""

    def run(*options: str, code: int = 0) -> Findings:
        listed = sightline("doctor", *options, code=code)
        assert len({finding["what"] for finding in listed}) == len(listed)
        assert all(finding["ok"] or finding["mend"] for finding in listed)
        return {finding["what"]: finding for finding in listed}

    return run


def failures(findings: Findings) -> dict[str, str]:
    """Return what failed, with how it is mended."""
    return {what: finding["mend"] for what, finding in findings.items() if not finding["ok"]}


def warehouse(work: Callable[[BigQueryClient], Awaitable[None]]) -> None:
    async def run() -> None:
        async with BigQueryClient.open(bigquery_place(load_settings())) as client:
            await work(client)

    asyncio.run(run())


def test_where_nothing_is_missing_all_is_well(
    project: CloudProject, examine: Callable[..., Findings], simulator: VertexSimulator
) -> None:
    findings = examine("--call-models")
    assert failures(findings) == {}
    assert {what for what, finding in findings.items() if not finding["checked"]} == {
        "permission to write"
    }
    assert findings["credentials"]["detail"].startswith("none needed")
    assert project.source in findings["source"]["detail"]
    assert findings["images"]["detail"].startswith(f"gs://{project.bucket}/")
    assert "US dollars" in findings["model gemini-3.5-flash-lite"]["detail"]
    assert "768 dimensions" in findings["model gemini-embedding-2"]["detail"]
    assert {"dataset", "queries", "tables", "views", "images, by the model"} <= set(findings)
    for port in ("subscription", "dead_letter_subscription"):
        assert f"subscription {project.short(port)}" in findings


def test_without_being_told_to_no_model_is_called(
    project: CloudProject, examine: Callable[..., Findings], simulator: VertexSimulator
) -> None:
    findings = examine()
    assert sum(simulator.counters.to_json()["answered"].values()) == 0
    unchecked = {what for what, finding in findings.items() if not finding["checked"]}
    assert unchecked == {
        "permission to write", "model gemini-3.5-flash-lite", "model gemini-embedding-2",
        "images, by the model",
    }  # fmt: skip
    assert (
        f'gcloud storage buckets add-iam-policy-binding gs://{project.bucket} --member="service'
        f"Account:service-$(gcloud projects describe {project.name}"
        " --format='value(projectNumber)')@gcp-sa-aiplatform.iam.gserviceaccount.com\""
        " --role=roles/storage.objectViewer"
    ) in findings["images, by the model"]["detail"]


def test_where_nothing_is_there_each_thing_is_told(
    broken: CloudProject, examine: Callable[..., Findings]
) -> None:
    mends = failures(examine(code=1))
    assert set(mends) >= {
        "dataset", "table runs", "views", "source",
        *(f"topic {broken.short(port)}" for port in ("topic", "dead_letter_topic")),
        f"subscription {broken.short('subscription')}",
    }  # fmt: skip
    assert {mend for what, mend in mends.items() if what != "source"} == {"sightline setup"}
    assert "sightline subscribe" in mends["source"]


def test_after_setup_only_the_observations_are_missing(
    broken: CloudProject, examine: Callable[..., Findings], sightline: Command
) -> None:
    sightline("setup")
    assert list(failures(examine(code=1))) == ["source"]


@pytest.mark.extended
def test_a_table_that_was_changed_is_told_with_its_columns(
    broken: CloudProject, examine: Callable[..., Findings], sightline: Command
) -> None:
    sightline("setup")

    async def spoil(client: BigQueryClient) -> None:
        await client.execute(f"DROP TABLE {client.place.table('runs')}")
        await client.execute(f"CREATE TABLE {client.place.table('runs')} (run_id INT64)")
        await client.execute(f"DROP VIEW {client.place.table('runs_current')}")

    warehouse(spoil)
    findings = examine(code=1)
    assert "runs.run_id is INTEGER, not STRING" in findings["table runs"]["detail"]
    assert "RENAME TO runs_before' && sightline setup" in findings["table runs"]["mend"]
    assert findings["views"]["detail"].startswith("runs_current missing")
    assert findings["tables"]["ok"]


@pytest.mark.extended
def test_a_source_laid_out_otherwise_is_told_with_the_columns_that_it_has(
    project: CloudProject, examine: Callable[..., Findings]
) -> None:
    project.let("BIGQUERY__LAYOUT", "pano_observations_latest")
    finding = examine(code=1)["source"]
    assert "capture_location.latitude (for latitude)" in finding["detail"]
    assert finding["mend"] == "correct bigquery.layout or [bigquery.columns] in the settings"


@pytest.mark.extended
def test_no_source_at_all_is_told(project: CloudProject, examine: Callable[..., Findings]) -> None:
    project.let("BIGQUERY__SOURCE", "")
    findings = examine(code=1)
    assert failures(findings) == {"source": "sightline subscribe LISTING"}
    assert not findings["images"]["checked"]


@pytest.mark.extended
def test_a_dataset_elsewhere_is_told(
    project: CloudProject, examine: Callable[..., Findings], monkeypatch: pytest.MonkeyPatch
) -> None:
    project.let("BIGQUERY__LOCATION", "EU")
    finding = examine(code=1)["dataset"]
    assert "is in US, and bigquery.location is EU" in finding["detail"]
    assert finding["mend"] == "correct the [bigquery] section of the settings"


def test_an_image_that_is_gone_is_told(
    project: CloudProject, examine: Callable[..., Findings], gcs: GcsServer
) -> None:
    findings = examine()
    uri = findings["images"]["detail"].partition(" ")[0]
    name = uri.removeprefix(f"gs://{project.bucket}/")
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import storage  # type: ignore[attr-defined]  # ships no types

    client = storage.Client(
        "p",
        credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]  # untyped there
        client_options={"api_endpoint": gcs.endpoint},
    )
    blob = client.bucket(project.bucket).blob(name)
    content = blob.download_as_bytes()
    blob.delete()
    try:
        findings = examine(code=1)
    finally:
        blob.upload_from_string(content)
    assert failures(findings) == {
        "images": "set bigquery.source to a newer delivery, or upload the images again"
    }


def test_where_workers_report_is_tried(
    project: CloudProject, gcs: GcsServer, examine: Callable[..., Findings]
) -> None:
    assert examine()["other workers"]["detail"].endswith(f"in gs://{project.bucket}/peers")

    project.let("WORKER__PEERS", "")
    assert "worker.peers is not set" in examine()["other workers"]["detail"]

    project.let("WORKER__PEERS", "gs://where-workers-report/here")
    finding = examine(code=1)["other workers"]
    assert "gs://where-workers-report/here does not exist" in finding["detail"]
    assert finding["mend"].startswith("gcloud storage buckets create gs://where-workers-report ")

    bucket = make_bucket(gcs, "where-workers-report")
    finding = examine()["other workers"]
    assert finding["detail"] == "they see each other in gs://where-workers-report/here"
    assert [blob.name for blob in bucket.client.list_blobs(bucket.name)] == []

    project.let("WORKER__PEERS", "Where")
    assert examine(code=1)["other workers"]["mend"] == "set worker.peers to gs://BUCKET/PREFIX"


def test_a_subscription_without_a_dead_letter_policy_is_told(
    broken: CloudProject, examine: Callable[..., Findings]
) -> None:
    broken.let("ADAPTERS__WAREHOUSE", "local")
    place = pubsub_place(load_settings())

    async def lay_out() -> None:
        async with publisher_client(place) as publisher, subscriber_client(place) as subscriber:
            await publisher.create_topic(request={"name": place.topic_path})
            await subscriber.create_subscription(
                request={
                    "name": place.subscription_path,
                    "topic": place.topic_path,
                    "ack_deadline_seconds": 60,
                    "expiration_policy": {},
                }
            )

    asyncio.run(lay_out())
    finding = examine(code=1)[f"subscription {place.subscription}"]
    assert "without which deliveries are not counted" in finding["detail"]
    assert finding["mend"].startswith(f"gcloud pubsub subscriptions update {place.subscription}")


@pytest.mark.parametrize(
    ("fault", "what", "mend"),
    [
        (Fault.MODEL_CLOSED, "model gemini-3.5-flash-lite",
         "set models.classify to another model, or vertex.location to one that serves it"),
        (Fault.MODEL_CLOSED, "model gemini-embedding-2",
         "set models.embed to another model, or vertex.location to one that serves it"),
        (Fault.CALLER_FORBIDDEN, "model gemini-3.5-flash-lite",
         GRANT_USER),
        (Fault.UNAUTHENTICATED, "model gemini-embedding-2",
         "gcloud auth application-default login"),
        (Fault.UNAVAILABLE, "model gemini-embedding-2",
         "look at the network and the endpoint, then `sightline doctor` again"),
        (Fault.IMAGE_FORBIDDEN, "images, by the model", "gcloud storage buckets add-iam-policy-"),
        (Fault.IMAGE_GONE, "images, by the model", "set bigquery.source to a newer delivery"),
    ],
)  # fmt: skip
def test_a_model_that_does_not_answer_is_told(
    fault: Fault,
    what: str,
    mend: str,
    project: CloudProject,
    examine: Callable[..., Findings],
    simulator: VertexSimulator,
) -> None:
    simulator.behave(Behaviour(faults=FaultMix({fault: 1.0})))
    findings = examine("--call-models", code=1)
    assert findings[what]["mend"].startswith(mend)
    assert findings["dataset"]["ok"]


@pytest.mark.parametrize(
    ("setting", "value", "what", "detail"),
    [
        ("VERTEX__LOCATION", "europe-west4", "model gemini-3.5-flash-lite", "is not served from"),
        ("MODELS__CLASSIFY", "gemini-9.9-none", "model gemini-9.9-none", "no price of"),
        ("MODELS__EMBED", "text-embedding-9", "model text-embedding-9", "is not accepted"),
        ("MODELS__EMBED_DIMENSION", "7", "model gemini-embedding-2", "is not accepted"),
    ],
)
def test_a_model_that_cannot_be_is_told_without_a_call(
    setting: str,
    value: str,
    what: str,
    detail: str,
    project: CloudProject,
    examine: Callable[..., Findings],
    simulator: VertexSimulator,
) -> None:
    project.let(setting, value)
    findings = examine(code=1)
    assert detail in findings[what]["detail"]
    assert findings["images"]["ok"]
    assert sum(simulator.counters.to_json()["answered"].values()) == 0


def test_services_that_are_out_of_reach_are_told_and_hide_nothing(
    project: CloudProject, examine: Callable[..., Findings], simulator: VertexSimulator
) -> None:
    project.let("BIGQUERY__ENDPOINT", NOBODY)
    project.let("PUBSUB__ENDPOINT", NOBODY.partition("//")[2])
    findings = examine("--call-models", code=1)
    assert "BigQuery is out of reach" in findings["dataset"]["detail"]
    assert {"dataset", "source", f"topic {project.short('topic')}"} <= set(failures(findings))
    assert set(failures(findings).values()) == {
        "look at the network and the endpoint, then `sightline doctor` again"
    }
    assert findings["model gemini-3.5-flash-lite"]["ok"]


def test_missing_credentials_are_told_with_how_to_log_in(
    project: CloudProject, examine: Callable[..., Findings], monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(**_: object) -> None:
        from google.auth.exceptions import DefaultCredentialsError

        raise DefaultCredentialsError("none")  # type: ignore[no-untyped-call]  # untyped there

    monkeypatch.setattr("google.auth.default", none)
    project.let("VERTEX__ENDPOINT", "")
    findings = examine(code=1)
    assert findings["credentials"]["mend"] == "gcloud auth application-default login"
    assert findings["tables"]["ok"]


def test_no_project_is_told(project: CloudProject, examine: Callable[..., Findings]) -> None:
    project.let("GCP__PROJECT", "")
    mends = failures(examine(code=1))
    assert mends["dataset"] == "sightline init --engine gcp --project PROJECT --force"


def test_a_local_queue_with_cloud_models_is_checked_as_such(
    project: CloudProject, examine: Callable[..., Findings]
) -> None:
    project.let("ADAPTERS__WAREHOUSE", "local")
    project.let("ADAPTERS__QUEUE", "local")
    findings = examine()
    assert findings["engine"]["ok"]
    assert not {"dataset", "source", "images"} & set(findings)
