"""``sightline setup`` makes what is missing, and changes nothing that is there."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from sightline.cli import main
from sightline.gcp.bigquery.client import BigQueryClient
from sightline.gcp.pubsub import PubSubPlace
from sightline.gcp.pubsub.clients import publisher_client, subscriber_client
from sightline.gcp.pubsub.setup import QueueShape, agent_grants
from sightline.schema import LEDGERS, VIEWS
from sightline.settings import load_settings
from sightline.wiring.places import bigquery_place, pubsub_place
from tests.cli.cloud_rig import CloudProject
from tests.cli.conftest import Command
from tests.gcp.servers import BigQueryEmulator, Pstest, PubSubEmulator

pytestmark = pytest.mark.needs("go")


@pytest.fixture
def project(
    bigquery_emulator: BigQueryEmulator,
    pstest: Pstest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> CloudProject:
    return CloudProject(tmp_path, monkeypatch, bigquery=bigquery_emulator, pubsub=pstest)


def states(report: dict[str, Any]) -> dict[tuple[str, str], str]:
    return {(item["kind"], item["name"]): item["state"] for item in report["items"]}


async def subscription(name: str) -> Any:
    place = pubsub_place(load_settings())
    async with subscriber_client(place) as client:
        path = f"projects/{place.project}/subscriptions/{name}"
        return await client.get_subscription(request={"subscription": path})


def test_a_dry_run_lists_everything_and_makes_nothing(
    sightline: Command, project: CloudProject
) -> None:
    by_item = states(sightline("setup", "--dry-run"))
    assert set(by_item.values()) == {"missing"}
    assert {name for kind, name in by_item if kind == "table"} >= {
        ledger.name for ledger in LEDGERS
    }
    assert ("table", "embeddings_gemini_embedding_2_768") in by_item
    assert {name for kind, name in by_item if kind == "view"} >= {
        *(view.name for view in VIEWS), "embeddings", "road_signs_current",
    }  # fmt: skip
    assert [name for kind, name in by_item if kind in {"topic", "subscription"}] == [
        project.short(port)
        for port in ("topic", "dead_letter_topic", "subscription", "dead_letter_subscription")
    ]
    assert states(sightline("setup", "--dry-run")) == by_item


async def test_what_was_said_to_be_made_is_there_afterwards(project: CloudProject) -> None:
    assert await asyncio.to_thread(main, ["setup"]) == 0
    async with BigQueryClient.open(bigquery_place(load_settings())) as client:
        there = await client.tables()
    expected = {ledger.name for ledger in LEDGERS} | {view.name for view in VIEWS}
    expected |= {"embeddings_gemini_embedding_2_768", "utility_poles_current"}
    assert expected <= set(there)
    work = await subscription(project.short("subscription"))
    assert work.ack_deadline_seconds == 60
    assert work.dead_letter_policy.max_delivery_attempts == 100
    assert work.dead_letter_policy.dead_letter_topic.endswith(project.short("dead_letter_topic"))
    assert not work.expiration_policy.ttl
    abandoned = await subscription(project.short("dead_letter_subscription"))
    assert abandoned.topic.endswith(project.short("dead_letter_topic"))
    assert not abandoned.dead_letter_policy.dead_letter_topic


def test_setting_up_twice_makes_nothing_twice(sightline: Command, project: CloudProject) -> None:
    first = states(sightline("setup"))
    assert set(first.values()) == {"made"}
    second = states(sightline("setup"))
    assert second == dict.fromkeys(first, "there")


@pytest.mark.needs("pubsub-emulator")
def test_google_s_own_emulator_is_set_up_too(
    sightline: Command, project: CloudProject, pubsub_emulator: PubSubEmulator
) -> None:
    project.let("PUBSUB__ENDPOINT", pubsub_emulator.endpoint)
    project.let("ADAPTERS__WAREHOUSE", "local")
    assert set(states(sightline("setup")).values()) == {"made"}
    assert set(states(sightline("setup")).values()) == {"there"}


async def test_a_subscription_that_differs_is_told_and_left_as_it_is(
    project: CloudProject, capsys: pytest.CaptureFixture[str]
) -> None:
    project.let("ADAPTERS__WAREHOUSE", "local")
    place = pubsub_place(load_settings())
    async with publisher_client(place) as publisher, subscriber_client(place) as subscriber:
        await publisher.create_topic(request={"name": place.topic_path})
        await subscriber.create_subscription(
            request={
                "name": place.subscription_path,
                "topic": place.topic_path,
                "ack_deadline_seconds": 10,
            }
        )
    assert await asyncio.to_thread(main, ["setup"]) == 1
    output = capsys.readouterr().out
    assert "its ack deadline is 10 s, not 60 s" in output
    assert "no dead-letter policy" in output
    assert (
        f"fix: gcloud pubsub subscriptions update {place.subscription} --project={place.project}"
        " --ack-deadline=60 --expiration-period=never"
        f" --dead-letter-topic={project.short('dead_letter_topic')} --max-delivery-attempts=100"
    ) in output
    assert (await subscription(place.subscription)).ack_deadline_seconds == 10


def test_a_table_with_other_columns_is_told_with_what_mends_it(
    sightline: Command, project: CloudProject
) -> None:
    sightline("setup")

    async def spoil() -> None:
        async with BigQueryClient.open(bigquery_place(load_settings())) as client:
            runs, events = client.place.table("runs"), client.place.table("run_events")
            await client.execute(f"DROP TABLE {runs}")
            await client.execute(f"CREATE TABLE {runs} (run_id STRING, messages STRING)")
            await client.execute(f"DROP TABLE {events}")
            await client.execute(
                f"CREATE TABLE {events} (run_id STRING, event STRING, bucket INT64, start INT64,"
                " `at` TIMESTAMP)"
            )

    asyncio.run(spoil())
    items = {item["name"]: item for item in sightline("setup", code=1)["items"]}
    assert items["runs"]["state"] == "differs"
    assert "RENAME TO runs_before" in items["runs"]["mend"]
    assert items["run_events"]["wrong"] == ["run_events.stop is missing"]
    assert "ADD COLUMN IF NOT EXISTS `stop` INT64" in items["run_events"]["mend"]


def test_the_local_engine_needs_no_setup(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["setup"]) == 0
    assert "nothing to set up" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_two_topics_of_one_name_are_refused_before_anything_is_made(
    project: CloudProject, capsys: pytest.CaptureFixture[str]
) -> None:
    project.let("PUBSUB__DEAD_LETTER_TOPIC", project.short("topic"))
    project.let("ADAPTERS__WAREHOUSE", "local")
    assert main(["setup"]) == 2
    assert "set two names" in capsys.readouterr().err


def test_what_only_a_person_may_grant_is_told_as_commands() -> None:
    shape = QueueShape(PubSubPlace("my-project", "work", "workers"), "abandoned")
    publish, acknowledge = agent_grants(shape)
    agent = (
        '--member="serviceAccount:service-$(gcloud projects describe my-project'
        " --format='value(projectNumber)')@gcp-sa-pubsub.iam.gserviceaccount.com\""
    )
    assert publish == (
        "gcloud pubsub topics add-iam-policy-binding abandoned --project=my-project"
        f" {agent} --role=roles/pubsub.publisher"
    )
    assert acknowledge == (
        "gcloud pubsub subscriptions add-iam-policy-binding workers --project=my-project"
        f" {agent} --role=roles/pubsub.subscriber"
    )
