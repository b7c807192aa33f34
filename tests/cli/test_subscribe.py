"""``sightline subscribe`` asks Analytics Hub as its discovery document says, once."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from sightline.cli import main
from sightline.errors import ConfigurationError
from sightline.gcp.analytics_hub import Listing
from sightline.gcp.bigquery.client import BigQueryClient
from sightline.gcp.bigquery.source_table import make_source_table
from sightline.settings import load_settings
from sightline.wiring.places import bigquery_place
from tests.cli.cloud_rig import CloudProject
from tests.cli.conftest import Command, Mistake
from tests.cli.http_stand_in import serving
from tests.gcp.servers import BigQueryEmulator

pytestmark = pytest.mark.needs("go")

DOCUMENT = json.loads((Path(__file__).parent / "analyticshub_v1.json").read_text(encoding="utf-8"))
"""What is asked here of Google's discovery document of the API, without its prose."""
LISTING = "provider/us/imagery/observations-2026"
PROVIDER_S_NUMBER = "1234567890"


def complaint(value: Any, schema: Mapping[str, Any], at: str = "body") -> str:
    """Return in what a value is not as a schema of the document says; nothing when it is."""
    if "$ref" in schema:
        return complaint(value, DOCUMENT["schemas"][schema["$ref"]], at)
    kinds = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int}
    if not isinstance(value, kinds[schema["type"]]):
        return f"{at} is no {schema['type']}"
    if isinstance(value, list):
        complaints = [complaint(item, schema["items"], f"{at}[]") for item in value]
    elif isinstance(value, dict):
        complaints = [
            complaint(member, inner, f"{at}.{name}")
            if (inner := schema.get("properties", {}).get(name, schema.get("additionalProperties")))
            else f"{at}.{name} is unknown"
            for name, member in value.items()
        ]
    else:
        complaints = [f"{at} = {value!r}"] if value not in schema.get("enum", [value]) else []
    return "; ".join(text for text in complaints if text)


@dataclass
class Hub:
    """A stand-in for Analytics Hub that takes what the document allows, and remembers it."""

    url: str = ""
    requests: list[str] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)
    subscriptions: list[dict[str, Any]] = field(default_factory=list)
    refusal: tuple[int, dict[str, Any]] | None = None
    page_size: int = 1

    def answer(self, verb: str, url: str, raw: bytes) -> tuple[int, dict[str, Any]]:
        """Return the answer to a request: its code and body."""
        path, query = urlsplit(url).path.removeprefix("/v1/"), parse_qs(urlsplit(url).query)
        self.requests.append(f"{verb} {path}")
        if self.refusal is not None:
            return self.refusal
        for method in DOCUMENT["methods"].values():
            parameters = method["parameters"]
            name = next(
                key for key, parameter in parameters.items() if parameter["location"] == "path"
            )
            pattern = parameters[name]["pattern"].strip("^$")
            form = (
                method["path"].removeprefix("v1/").replace(f"{{+{name}}}", f"(?P<{name}>{pattern})")
            )
            match = re.fullmatch(form, path)
            if verb == method["httpMethod"] and match:
                unknown = set(query) - set(parameters)
                assert not unknown, unknown
                return self.serve(method, match[name], query, raw)
        return 404, {"error": {"code": 404, "message": f"no method {verb} {path}"}}

    def serve(
        self, method: Mapping[str, Any], name: str, query: Mapping[str, list[str]], raw: bytes
    ) -> tuple[int, dict[str, Any]]:
        if method["httpMethod"] == "GET":
            start = int(query.get("pageToken", ["0"])[0])
            page = self.subscriptions[start : start + self.page_size]
            more = start + self.page_size < len(self.subscriptions)
            answer: dict[str, Any] = {"subscriptions": page} if page else {}
            if more:
                answer["nextPageToken"] = str(start + self.page_size)
        else:
            body = json.loads(raw)
            self.bodies.append(body)
            if objection := complaint(body, {"$ref": method["request"]["$ref"]}):
                return 400, {"error": {"code": 400, "message": objection}}
            subscription = self.subscription(name, body["destinationDataset"]["datasetReference"])
            self.subscriptions.append(subscription)
            answer = {"subscription": subscription}
        assert complaint(answer, {"$ref": method["response"]["$ref"]}) == ""
        return 200, answer

    def subscription(self, listing: str, dataset: Mapping[str, str]) -> dict[str, Any]:
        """Return a subscription as Google writes it: projects by their numbers."""
        by_number = listing.replace("projects/provider/", f"projects/{PROVIDER_S_NUMBER}/")
        linked = f"projects/987/datasets/{dataset['datasetId']}"
        return {
            "name": f"projects/987/locations/us/subscriptions/{len(self.subscriptions)}",
            "listing": by_number,
            "state": "STATE_ACTIVE",
            "linkedDatasetMap": {by_number: {"linkedDataset": linked, "listing": by_number}},
        }


@pytest.fixture
def hub() -> Iterator[Hub]:
    hub = Hub()

    def answer(request: BaseHTTPRequestHandler, raw: bytes) -> tuple[int, dict[str, Any]]:
        assert request.headers["Authorization"] == "Bearer emulator"
        return hub.answer(request.command, request.path, raw)

    with serving(answer) as hub.url:
        yield hub


@pytest.fixture
def project(
    hub: Hub,
    bigquery_emulator: BigQueryEmulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> CloudProject:
    """Return a project in which the linked dataset is there as soon as somebody subscribes."""
    cloud = CloudProject(tmp_path, monkeypatch, bigquery=bigquery_emulator)
    cloud.let("BIGQUERY__HUB_ENDPOINT", hub.url)

    async def link() -> None:
        async with BigQueryClient.open(bigquery_place(load_settings())) as client:
            holder = f"{cloud.name}.linked_{cloud.unique}"
            await make_source_table(client, f"{holder}.latest_observations")
            await make_source_table(client, f"{holder}.all_observations")
            await client.execute(f"CREATE TABLE `{holder}.snapshots` (snapshot_id STRING)")

    asyncio.run(link())
    return cloud


def test_subscribing_links_the_dataset_and_names_the_source(
    sightline: Command, project: CloudProject, hub: Hub
) -> None:
    dataset = f"linked_{project.unique}"
    report = sightline("subscribe", LISTING, "--dataset", dataset)
    assert hub.bodies == [
        {
            "destinationDataset": {
                "datasetReference": {"projectId": project.name, "datasetId": dataset},
                "location": "us",
                "friendlyName": "Imagery observations, for Sightline",
            }
        }
    ]
    assert hub.requests[-1] == (
        "POST projects/provider/locations/us/dataExchanges/imagery/listings/observations-2026"
        ":subscribe"
    )
    assert report["existed"] is False
    assert report["sources"] == [
        {"source": f"{project.name}.{dataset}.{name}", "layout": name}
        for name in ("latest_observations", "all_observations")
    ]


def test_subscribing_again_says_so_and_subscribes_no_second_time(
    sightline: Command, project: CloudProject, hub: Hub
) -> None:
    hub.subscriptions.append(
        hub.subscription(Listing("provider", "us", "imagery", "other").path, {"datasetId": "x"})
    )
    dataset = f"linked_{project.unique}"
    first = sightline("subscribe", LISTING, "--dataset", dataset)
    again = sightline("subscribe", Listing.parse(LISTING).path, "--dataset", "another")
    assert (first["existed"], again["existed"]) == (False, True)
    assert again["dataset"] == f"{project.name}.{dataset}"
    assert len(hub.bodies) == 1


def test_what_is_printed_goes_into_the_settings_file(
    project: CloudProject, hub: Hub, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["subscribe", LISTING, "--dataset", f"linked_{project.unique}"]) == 0
    output = capsys.readouterr().out
    text = output.partition("\n\n")[2]
    (tmp_path / "source.toml").write_text(text)
    loaded = load_settings(config=tmp_path / "source.toml", environment={})
    assert loaded.bigquery.source == f"{project.name}.linked_{project.unique}.latest_observations"


def test_a_subscription_that_was_revoked_does_not_count(
    sightline: Command, project: CloudProject, hub: Hub
) -> None:
    dataset = f"linked_{project.unique}"
    old = hub.subscription(Listing.parse(LISTING).path, {"datasetId": "old"})
    hub.subscriptions.append(old | {"state": "STATE_INACTIVE"})
    assert sightline("subscribe", LISTING, "--dataset", dataset)["existed"] is False


def error(code: int, message: str, reason: str = "") -> tuple[int, dict[str, Any]]:
    info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}
    return code, {"error": {"code": code, "message": message, "details": [info]}}


@pytest.mark.parametrize(
    ("refusal", "message"),
    [
        (
            error(
                403,
                "Analytics Hub API has not been used in project 1 before or it is disabled.",
                "SERVICE_DISABLED",
            ),
            "run `gcloud services enable analyticshub.googleapis.com --project=sightline-test`",
        ),
        (error(403, "Permission denied."), "get roles/analyticshub.subscriber on the listing"),
        (error(404, "Listing not found."), "ask the provider whether it is shared"),
        (error(409, "Dataset exists already."), "give another --dataset"),
        (error(401, "Unauthorized."), "gcloud auth application-default login"),
        (error(400, "Location mismatch."), "correct the listing or --dataset"),
        (error(503, "Unavailable."), "try again in a moment"),
    ],
)
def test_a_refusal_is_one_line_with_the_next_step(
    refusal: tuple[int, dict[str, Any]],
    message: str,
    project: CloudProject,
    hub: Hub,
    mistake: Mistake,
) -> None:
    hub.refusal = refusal
    mistake("subscribe", LISTING, says=message, code={1, 2})


@pytest.mark.parametrize("text", ["", "a/b/c", "a/b/c/d/e", "a/b/c/d?x=1", "projects/a/b/c/d"])
def test_what_is_no_listing_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="PROJECT/LOCATION/EXCHANGE/LISTING"):
        Listing.parse(text)


def test_the_stand_in_refuses_what_the_document_does_not_have() -> None:
    request = {"$ref": "SubscribeListingRequest"}
    reference = {"projectId": "p", "datasetId": "d"}
    assert complaint({"destinationDataset": {"datasetReference": reference}}, request) == ""
    assert "is unknown" in complaint({"destination": {}}, request)
    assert "is no string" in complaint({"destinationDataset": {"location": 1}}, request)
