"""The configuration: its defaults, and every mistake in it told in one sentence."""

from __future__ import annotations

import re

import pytest

from infra.recording import MINIMAL, PROJECT, run
from infra.stack_config import KEYS, key_name
from infra.stack_reader import WrongConfigurationError, read_stack
from sightline.settings.fields import accepted_by, bounds_of

BAD = {
    "project": ("My Project", "a project's id"),
    "region": ("mars", "a region of Google Cloud"),
    "location": ("Mars", "US, EU, or the region"),
    "labels": ("Team=Roads", "name=value"),
    "listing": ("just-a-name", "PROJECT/LOCATION/EXCHANGE/LISTING"),
    "listing_dataset": ("has-hyphens", "letters, digits and underscores"),
    "source": ("dataset.table", "project.dataset.table"),
    "source_layout": ("observations", "latest_observations"),
    "image_bucket": ("gs://images", "without gs://"),
    "grant_on_bucket": ("yes", "true or false"),
    "kms_key": ("my-key", "projects/P/locations/L/keyRings/R/cryptoKeys/K"),
    "object_table": ("on", "true or false"),
    "notify_new_images": ("1", "true or false"),
    "dataset": ("my-dataset", "letters, digits and underscores"),
    "make_dataset": ("never", "true or false"),
    "models_dataset": ("my models", "letters, digits and underscores"),
    "classify_model": ("Gemini Pro", "a model's name"),
    "embed_model": ("not a model", "a model's name"),
    "model_location": ("asia", "us, eu, global, or a region"),
    "embed_location": ("somewhere!", "us, eu, global, or a region"),
    "message_schema": ("avro", "true or false"),
    "results_topic": ("results", "true or false"),
    "fleet": ("vm", "worker-pool, job, gke, none"),
    "image": ("sightline", "REGISTRY/PATH:TAG"),
    "cpu": ("3", "1, 2, 4, 6 or 8"),
    "memory": ("64Gi", "512Mi to 32Gi"),
    "drain_schedule": ("daily", "five fields of cron"),
    "producer_schedule": ("@hourly", "five fields of cron"),
    "producer_arguments": ("--near 'oops", "as a shell takes them"),
    "collector_image": ("collector", "REGISTRY/PATH:TAG"),
    "alert_email": ("roads", "an address"),
    "billing_account": ("123", "XXXXXX-XXXXXX-XXXXXX"),
    "runbook_url": ("http://example.com", "https://"),
    "deletion_protection": ("maybe", "true or false"),
    "keep_data": ("maybe", "true or false"),
    "guardrails": ("off", "stop, warn"),
    **{
        name: (str(bounds_of(info)[1] + 1), accepted_by(info))
        for name, info in KEYS.items()
        if info.annotation is int
    },
}
"""A value that no key takes, and what the error then names."""

CRONS = ("99 99 * * banana", "*/0 * * * *", "0 0 30 2 *", "0 0 L * *", "0 0 * * 5#1", "0 6  * *")

MISFITS = (
    *(({"cpu": cpu, "memory": memory}, f"{accepted}, which Cloud Run allows with {cpu} processors")
      for cpu, memory, accepted in (
          ("8", "2Gi", "4Gi to 32Gi"), ("1", "16Gi", "512Mi to 4Gi"), ("2", "9Gi", "512Mi to 8Gi"),
          ("4", "1024Mi", "2Gi to 16Gi"), ("6", "25Gi", "4Gi to 24Gi"))),
    *(({key: cron, "fleet": "job", "image": "a/b:1"}, "five fields of cron")
      for key in ("drainSchedule", "producerSchedule") for cron in CRONS),
    ({"region": "europe-west4", "location": "US"}, "does not fit"),
    ({"region": "us-east4",
      "image": f"us-central1-docker.pkg.dev/{PROJECT}/sightline-dev-images/sightline:1"},
     "no pushed image moves; set the region back"),
    ({"region": "asia-east1", "location": "asia-east2"}, "does not fit"),
    ({"listing": "p/eu/exchange/listing"}, "set the location to the listing's"),
    ({"dataset": "one", "modelsDataset": "ONE"}, "names of their own"),
    ({"listing": "p/us/e/l", "listingDataset": "sightline_dev"}, "names of their own"),
    ({"makeDataset": "false"}, "set its name"),
    ({"labels": "app=mine"}, "any name but app"),
    ({"labels": "team"}, "name=value"),
    ({"imageBucket": "mine", "kmsKey": "projects/p/locations/us/keyRings/r/cryptoKeys/k"},
     "set its key there"),
    ({"kmsKey": "projects/p/locations/europe/keyRings/r/cryptoKeys/k"}, "a key in 'us'"),
    ({"imageBucket": "mine", "imagesExpireDays": "3"}, "set its lifecycle there"),
    ({"imageBucket": "mine", "grantOnBucket": "false", "notifyNewImages": "true"},
     "a grant on the bucket"),
    ({"modelLocation": "us-central1"}, "eu, global, us (gemini-3.5-flash-lite)"),
    ({"embedModel": "multimodalembedding@001"}, "set the location to one, us-central1 say"),
    ({"graceS": "10"}, "less than 10, which Cloud Run grants"),
    ({"parallelism": "2"}, "sightline:workers, 1, or less"),
    ({"drainSchedule": "0 6 * * *"}, "set the fleet to job"),
    ({"fleet": "none", "producerSchedule": "0 6 * * *"}, "set another fleet"),
    ({"fleet": "gke", "collectorImage": "example.com/otel:1"}, "GKE collects"),
    ({"reservationSlots": "60"}, "a multiple of 50"),
    ({"budgetUsd": "100"}, "needs sightline:billingAccount"),
)  # fmt: skip


def complaints(**configuration: str) -> tuple[str, ...]:
    with pytest.raises(WrongConfigurationError) as caught:
        read_stack(configuration, "dev")
    return caught.value.wrong


def test_a_project_is_all_that_has_to_be_set() -> None:
    stack = read_stack(MINIMAL, "dev")
    assert (stack.project, stack.region, stack.location) == (PROJECT, "us-central1", "US")
    assert (stack.dataset, stack.bucket) == ("sightline_dev", "my-project-sightline-dev-images")
    (missing,) = complaints()
    assert missing.startswith("sightline:project is not set")
    assert "pulumi config set project PROJECT" in missing


def test_every_key_has_a_value_that_it_refuses() -> None:
    assert set(KEYS) == set(BAD)


@pytest.mark.parametrize("name", BAD)
def test_a_bad_value_is_told_with_what_is_accepted(name: str) -> None:
    value, accepted = BAD[name]
    configuration = {**MINIMAL, key_name(name): value}
    listed = complaints(**configuration)
    assert len(listed) == 1, listed
    assert listed[0].startswith(f"sightline:{key_name(name)} = ")
    assert accepted in listed[0]


@pytest.mark.parametrize("text", ["2.9", "2.0", "nan", "inf", "true", "soon", "", "1e2"])
@pytest.mark.parametrize("name", [name for name, info in KEYS.items() if info.annotation is int])
def test_a_number_of_the_stack_is_read_as_strictly_as_a_setting(name: str, text: str) -> None:
    (complaint,) = complaints(**{**MINIMAL, key_name(name): text})
    accepted = accepted_by(KEYS[name])
    assert (
        complaint == f"sightline:{key_name(name)} = {text!r} is not accepted; accepted: {accepted}"
    )


@pytest.mark.parametrize(("configuration", "message"), MISFITS)
def test_what_does_not_fit_together_is_told_in_one_sentence(
    configuration: dict[str, str], message: str
) -> None:
    (complaint,) = complaints(**MINIMAL, **configuration)
    assert message in complaint
    assert "\n" not in complaint


def test_all_mistakes_are_told_at_once() -> None:
    listed = complaints(region="mars", workers="many", cpu="3")
    assert [complaint.partition(" ")[0] for complaint in listed] == [
        "sightline:project", "sightline:region", "sightline:workers", "sightline:cpu"
    ]  # fmt: skip


def test_a_misspelt_key_is_told_with_the_one_that_was_meant() -> None:
    (complaint,) = complaints(**MINIMAL, worker="3")
    assert complaint == "sightline:worker is not a key; did you mean workers?"


def test_nothing_is_registered_when_the_configuration_is_wrong() -> None:
    from pulumi import RunError

    with pytest.raises(RunError, match=r"sightline:region = 'mars' is not accepted"):
        run({**MINIMAL, "region": "mars"})


@pytest.mark.parametrize(
    ("region", "location"),
    [("us-east1", "US"), ("europe-west4", "EU"), ("asia-east1", "asia-east1")],
)
def test_the_location_follows_the_region(region: str, location: str) -> None:
    assert read_stack({**MINIMAL, "region": region}, "dev").location == location


def test_the_source_follows_the_listing_and_the_arrivals() -> None:
    listing = read_stack({**MINIMAL, "listing": "p/us/e/l"}, "dev").source
    assert listing == "my-project.sightline_dev_listing.latest_observations"
    arrivals = read_stack({**MINIMAL, "notifyNewImages": "true"}, "dev").source
    assert arrivals == "my-project.sightline_dev.arrivals_observations"
    assert (
        read_stack({**MINIMAL, "source": "p.d.t", "listing": "p/us/e/l"}, "dev").source == "p.d.t"
    )


def test_own_labels_stand_beside_those_that_are_asked_for() -> None:
    labels = read_stack({**MINIMAL, "labels": "team=roads, cost=12"}, "dev").labels
    assert labels == {
        "app": "sightline", "stack": "dev", "managed-by": "pulumi", "team": "roads", "cost": "12",
    }  # fmt: skip
    assert all(re.fullmatch(r"[a-z0-9_-]{1,63}", value) for value in labels.values())
